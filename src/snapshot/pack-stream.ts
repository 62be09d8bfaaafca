import { type ByteSink, compressLayer } from '../compression/compress-layer.ts'
import { layerMediaType } from '../compression/compression-type.ts'
import type { Digest } from '../oci/digest.ts'

/** How a layer is packed; absent level means the type's own default. */
export interface PackCompression {
  readonly type: 'uncompressed' | 'gzip' | 'estargz' | 'zstd'
  readonly level?: number
}

/** What an archive became, besides the bytes in the sink. */
export interface PackedStream {
  readonly diffId: Digest
  /** Facts that belong on the descriptor. */
  readonly annotations?: Readonly<Record<string, string>>
}

/** Packs an archive in one pass, in any of the ways that layers are packed. Throws `invalid-argument` for bad levels. */
export async function packStream(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  compression: PackCompression,
  sink: ByteSink,
  options: { readonly parallel: number; readonly signal?: AbortSignal | undefined },
): Promise<PackedStream> {
  const { type, ...level } = compression
  if (type !== 'estargz') return await compressLayer(source, { type, ...level }, sink, options)
  const { compressEstargz } = await import('./estargz.ts')
  return await compressEstargz(source, level, sink, options)
}

/** OCI media type of a layer that is packed this way. */
export function packedMediaType(type: PackCompression['type']): string {
  return layerMediaType(type === 'estargz' ? 'gzip' : type)
}
