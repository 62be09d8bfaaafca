import { SlipwayError } from '../errors/slipway-error.ts'
import type { LayerPacker } from '../exporter/image-layers.ts'
import type { State } from '../snapshot/open-state.ts'

/** Packs layers into the content store. */
export function createLayerPacker(_state: State): LayerPacker {
  throw new SlipwayError('unimplemented', 'layer packing')
}
