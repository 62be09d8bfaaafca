import { SlipwayError } from '../errors/slipway-error.ts'
import type { CompressionOptions } from './compression-options.ts'
import type { ExportSource } from './export-source.ts'

/** Results as BuildKit 0.13, 0.15 and 0.31 make them. */
const versions: readonly number[] = [10, 20, 30]
const oldest = 10

/** Where a client does not ask for another one. */
export const currentCompatibility = 30

/**
 * The version of results that a client wants, which says 0 for the current one. Throws `invalid-argument`.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/compat/compat.go
 */
export function readCompatibility(asked: number): number {
  if (asked === 0) return currentCompatibility
  if (versions.includes(asked)) return asked
  const what =
    asked > currentCompatibility
      ? `: upgrade buildkit (max supported: ${currentCompatibility})`
      : ` (supported: [${versions.join(' ')}])`
  throw new SlipwayError('invalid-argument', `unsupported compatibility-version ${asked}${what}`)
}

/** What makes images. */
export type ImageExporterType = 'image' | 'oci' | 'docker'

interface ImageDefaults {
  readonly oci: boolean
  /** Given the types that the image has at last. */
  readonly ociArtifact: (oci: boolean) => boolean
}

/**
 * What images are where their options say nothing. Old ones have Docker's types, unless they carry statements; archives for
 * others than Docker never had.
 */
export function imageDefaults(type: ImageExporterType, source: ExportSource | undefined): ImageDefaults {
  const version = source?.compatibility ?? currentCompatibility
  if (source === undefined || version >= currentCompatibility) return { oci: true, ociArtifact: oci => oci }
  const attested = source.results.some(result => result.attestations.length > 0)
  return { oci: type === 'oci' || attested, ociArtifact: () => false }
}

/** Throws `unimplemented` (`errdefs.CompatibilityFeature`) for what images of that version could not be. */
export function refuseUnsupported(
  type: ImageExporterType,
  compression: CompressionOptions,
  source: ExportSource | undefined,
): void {
  const version = source?.compatibility ?? currentCompatibility
  if (version !== oldest || compression.type !== 'zstd') return
  const feature = `${type} exporter compression=${compression.type}`
  throw new SlipwayError('unimplemented', `unsupported compatibility-version ${version} feature ${feature}`, {
    details: [{ type: 'errdefs.CompatibilityFeature', version, feature }],
  })
}
