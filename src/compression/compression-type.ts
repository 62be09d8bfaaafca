import { mediaType } from '../oci/media-type.ts'

/** How bytes are packed. `bzip2` and `xz` are only ever read (archives that ADD unpacks). */
export type CompressionType = 'uncompressed' | 'gzip' | 'zstd' | 'bzip2' | 'xz'

/** Bytes that `detectCompression` wants to see. */
export const magicLength = 6

/** What a stream with these first bytes is; `uncompressed` for everything unknown. */
export function detectCompression(start: Uint8Array): CompressionType {
  for (const [type, magic] of magics) {
    if (start.length >= magic.length && magic.every((byte, i) => byte === start[i])) return type
  }
  // Parallel compressors of zstd begin with a skippable frame, the first four bits of whose magic are free.
  if (
    start.length >= 4 &&
    ((start[0] as number) & 0xf0) === 0x50 &&
    skippable.every((byte, i) => byte === start[i + 1])
  )
    return 'zstd'
  return 'uncompressed'
}

const skippable = [0x2a, 0x4d, 0x18]

/** Sources: RFC 1952; RFC 8878, 3.1.1; the bzip2 manual; the .xz file format 2.1.1.1. */
const magics: readonly (readonly [CompressionType, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
]

/** Compression that a layer's media type names, or undefined for other media types. */
export function compressionOf(type: string): CompressionType | undefined {
  switch (type) {
    case mediaType.ociLayer:
    case mediaType.ociLayerNondistributable:
    case mediaType.dockerLayer:
    case mediaType.dockerLayerForeign:
      return 'uncompressed'
    case mediaType.ociLayerGzip:
    case mediaType.ociLayerNondistributableGzip:
    case mediaType.dockerLayerGzip:
    case mediaType.dockerLayerForeignGzip:
      return 'gzip'
    case mediaType.ociLayerZstd:
    case mediaType.ociLayerNondistributableZstd:
    case mediaType.dockerLayerZstd:
      return 'zstd'
    default:
      return undefined
  }
}

/** OCI media type of a layer that is packed this way. Layers are never packed with bzip2 or xz. */
export function layerMediaType(type: 'uncompressed' | 'gzip' | 'zstd'): string {
  switch (type) {
    case 'uncompressed':
      return mediaType.ociLayer
    case 'gzip':
      return mediaType.ociLayerGzip
    case 'zstd':
      return mediaType.ociLayerZstd
    default:
      return type satisfies never
  }
}
