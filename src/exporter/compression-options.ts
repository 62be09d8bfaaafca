import { SlipwayError } from '../errors/slipway-error.ts'
import { mediaType } from '../oci/media-type.ts'
import { type Attributes, readBool, readInteger } from './attributes.ts'

/** How a layer is packed. */
export type CompressionType = 'uncompressed' | 'gzip' | 'estargz' | 'zstd'

/** How layers are packed. */
export interface CompressionOptions {
  readonly type: CompressionType
  /** gzip and estargz 0 to 9, zstd 0 to 22. */
  readonly level?: number
  /** Also pack anew what the base image brought. */
  readonly force: boolean
}

const types: readonly CompressionType[] = ['uncompressed', 'gzip', 'estargz', 'zstd']

/** Reads `compression`, `compression-level` and `force-compression`. Throws `invalid-argument`. */
export function readCompression(attrs: Attributes): CompressionOptions {
  const text = attrs['compression'] ?? 'gzip'
  const type = types.find(one => one === text)
  if (type === undefined)
    throw new SlipwayError('invalid-argument', `unsupported compression type ${text}`, {
      hint: `use one of ${types.join(', ')}`,
    })
  const force = readBool(
    attrs,
    'force-compression',
    false,
    `non-bool value ${attrs['force-compression']} specified for force-compression`,
  )
  const level = readInteger(attrs, 'compression-level')
  return { type, force, ...(level === undefined ? {} : { level }) }
}

const ociTypes = {
  uncompressed: mediaType.ociLayer,
  gzip: mediaType.ociLayerGzip,
  estargz: mediaType.ociLayerGzip,
  zstd: mediaType.ociLayerZstd,
} as const satisfies Record<CompressionType, string>

const dockerTypes = {
  uncompressed: mediaType.dockerLayer,
  gzip: mediaType.dockerLayerGzip,
  estargz: mediaType.dockerLayerGzip,
  zstd: mediaType.dockerLayerZstd,
} as const satisfies Record<CompressionType, string>

/** Media type of a layer packed this way. */
export function layerType(type: CompressionType, oci: boolean): string {
  return (oci ? ociTypes : dockerTypes)[type]
}

const pairs: readonly (readonly [oci: string, docker: string])[] = [
  [mediaType.ociLayer, mediaType.dockerLayer],
  [mediaType.ociLayerGzip, mediaType.dockerLayerGzip],
  [mediaType.ociLayerZstd, mediaType.dockerLayerZstd],
  [mediaType.ociLayerNondistributable, mediaType.dockerLayerForeign],
  [mediaType.ociLayerNondistributableGzip, mediaType.dockerLayerForeignGzip],
]

/** The same kind of layer in the other family's words; unknown types stay. */
export function convertLayerType(type: string, oci: boolean): string {
  for (const [ociType, dockerType] of pairs)
    if (type === ociType || type === dockerType) return oci ? ociType : dockerType
  return type
}

const distributable: Readonly<Record<string, string>> = {
  [mediaType.ociLayerNondistributable]: mediaType.ociLayer,
  [mediaType.ociLayerNondistributableGzip]: mediaType.ociLayerGzip,
  [mediaType.ociLayerNondistributableZstd]: mediaType.ociLayerZstd,
  [mediaType.dockerLayerForeign]: mediaType.dockerLayer,
  [mediaType.dockerLayerForeignGzip]: mediaType.dockerLayerGzip,
}

/** The media type of a layer that may be distributed, of one that may or may not. */
export const distributableType = (type: string): string => distributable[type] ?? type

/** How a layer of this media type is packed; undefined for types that are not known. */
export function compressionOfType(type: string): CompressionType | undefined {
  switch (convertLayerType(type, true)) {
    case mediaType.ociLayer:
    case mediaType.ociLayerNondistributable:
      return 'uncompressed'
    case mediaType.ociLayerGzip:
    case mediaType.ociLayerNondistributableGzip:
      return 'gzip'
    case mediaType.ociLayerZstd:
    case mediaType.ociLayerNondistributableZstd:
      return 'zstd'
    default:
      return undefined
  }
}
