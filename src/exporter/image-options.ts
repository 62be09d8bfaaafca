import { SlipwayError } from '../errors/slipway-error.ts'
import { readAnnotations } from './annotations.ts'
import { type Attributes, readBool, readEpoch } from './attributes.ts'
import { readCompression } from './compression-options.ts'
import type { ImageOptions } from './image-writer.ts'

/**
 * Options that all image outputs share. Throws `invalid-argument`.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/exporter/containerimage/opts.go
 */
export function readImageOptions(
  attrs: Attributes,
  defaults: { readonly attestInline: boolean },
): Omit<ImageOptions, 'names'> {
  const annotations = readAnnotations(attrs)
  const oci = readBool(attrs, 'oci-mediatypes', true)
  const epoch = readEpoch(attrs)
  const rewrite = readBool(attrs, 'rewrite-timestamp', false)
  const compression = readCompression(attrs)
  const ociArtifact = readBool(attrs, 'oci-artifact', oci)
  const conflict =
    compression.type === 'estargz' ? 'compression=estargz' : ociArtifact ? 'oci-artifact=true' : undefined
  if (!oci && conflict !== undefined) {
    const message = `exporter option "${conflict}" conflicts with "oci-mediatypes=false"`
    throw new SlipwayError('invalid-argument', message)
  }
  return {
    annotations,
    oci,
    compression,
    ociArtifact,
    preferNondistributable: readBool(attrs, 'prefer-nondist-layers', false),
    attestInline: readBool(attrs, 'attestation-inline', defaults.attestInline),
    ...(epoch === undefined ? {} : { epoch }),
    rewriteTimestamp: rewrite,
  }
}
