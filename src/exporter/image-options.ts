import { SlipwayError } from '../errors/slipway-error.ts'
import { readAnnotations } from './annotations.ts'
import { type Attributes, readEpoch, readStrictBool } from './attributes.ts'
import { readCompression } from './compression-options.ts'
import { imageDefaults, type ImageExporterType, refuseUnsupported } from './compatibility.ts'
import type { ExportSource } from './export-source.ts'
import type { ImageOptions } from './image-writer.ts'

/**
 * Options that all image outputs share; those of what is exported, once that is known. Throws `invalid-argument`.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/exporter/containerimage/opts.go
 */
export function readImageOptions(
  attrs: Attributes,
  type: ImageExporterType,
  source?: ExportSource,
): Omit<ImageOptions, 'names'> {
  const defaults = imageDefaults(type, source)
  const annotations = readAnnotations(attrs)
  const epoch = readEpoch(attrs)
  const compression = readCompression(attrs)
  const oci = readStrictBool(attrs, 'oci-mediatypes', defaults.oci)
  const rewriteTimestamp = readStrictBool(attrs, 'rewrite-timestamp', false)
  const ociArtifact = readStrictBool(attrs, 'oci-artifact', defaults.ociArtifact(oci))
  const conflict =
    compression.type === 'estargz' ? 'compression=estargz' : ociArtifact ? 'oci-artifact=true' : undefined
  if (!oci && conflict !== undefined) {
    const message = `exporter option "${conflict}" conflicts with "oci-mediatypes=false"`
    throw new SlipwayError('invalid-argument', message)
  }
  refuseUnsupported(type, compression, source)
  return {
    annotations,
    oci,
    compression,
    ociArtifact,
    preferNondistributable: readStrictBool(attrs, 'prefer-nondist-layers', false),
    attestInline: readStrictBool(attrs, 'attestation-inline', type === 'image'),
    ...(epoch === undefined ? {} : { epoch }),
    rewriteTimestamp,
  }
}
