import type { CompressionOptions } from '../exporter/compression-options.ts'
import type { LayerPacker } from '../exporter/image-layers.ts'
import type { PackOptions } from '../snapshot/layer-packer.ts'
import type { State } from '../snapshot/open-state.ts'

/** Packs layers into the content store. */
export function createLayerPacker(state: State): LayerPacker {
  return {
    pack: (id, options, signal) => state.packer.pack(id, packOptions(options), signal),
    packed: id => state.packer.packed(id),
    repack: (blob, options, signal) => state.packer.repack(blob, packOptions(options), signal),
  }
}

function packOptions(options: CompressionOptions & { readonly epochSeconds?: number }): PackOptions {
  const { type, level, epochSeconds } = options
  return {
    type,
    ...(level === undefined ? {} : { level }),
    ...(epochSeconds === undefined ? {} : { epochSeconds }),
  }
}
