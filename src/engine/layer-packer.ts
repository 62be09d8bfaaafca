import type { LayerPacker } from '../exporter/image-layers.ts'
import type { State } from '../snapshot/open-state.ts'

/** Packs layers into the content store. */
export function createLayerPacker(state: State): LayerPacker {
  return state.packer
}
