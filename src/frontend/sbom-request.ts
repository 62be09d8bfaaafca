import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { csvFields } from '../gostd/csv.ts'
import { quote } from '../gostd/quote.ts'
import { formatReference, parseReference, withDefaultTag } from '../oci/reference.ts'
import type { Attributes } from './attributes.ts'

/** A wish for a bill of materials. */
export interface SbomRequest {
  /** Image of the scanner, fully qualified; `builtin` for the scanner that needs no image. */
  readonly generator: string
  /** Nobody asked for this scanner: another one may take its place where it cannot be had. */
  readonly isDefault?: true
  /** Further settings of the scanner. */
  readonly parameters: Readonly<Record<string, string>>
}

const defaultGenerator = 'docker/buildkit-syft-scanner:stable-1'

/** Names the scanner that is part of the frontend. */
export const builtinGenerator = 'builtin'

/**
 * Attestations that are asked for, by type in lower case: `attest:sbom`, `attest:provenance`, and the same as build args
 * `BUILDKIT_ATTEST_…`. Throws `invalid-argument` for unknown types.
 */
export function parseAttestations(attributes: Attributes): Map<string, Record<string, string>> {
  const found = new Map<string, Record<string, string>>()
  for (const [name, value] of Object.entries(attributes)) {
    const type = /^(?:attest:|build-arg:BUILDKIT_ATTEST_)(.*)$/s.exec(name)?.[1]?.toLowerCase()
    if (type === undefined) continue
    if (type !== 'sbom' && type !== 'provenance') {
      throw new SlipwayError('invalid-argument', `unknown attestation type ${quote(type)}`)
    }
    found.set(type, { ...defaults[type], ...readFields(type, value) })
  }
  return found
}

const defaults = { sbom: { generator: defaultGenerator }, provenance: { version: 'v1' } }

/** The bill of materials that is asked for, if one is. Throws `invalid-argument`. */
export function parseSbom(attributes: Attributes): SbomRequest | undefined {
  const wanted = parseAttestations(attributes).get('sbom')
  if (wanted === undefined) return undefined
  const { generator = '', ...parameters } = wanted
  if (generator === '') throw new SlipwayError('invalid-argument', 'sbom generator cannot be empty')
  if (generator === builtinGenerator) return { generator, parameters }
  if (generator === defaultGenerator)
    return { generator: `docker.io/${generator}`, isDefault: true, parameters }
  try {
    return { generator: formatReference(withDefaultTag(parseReference(generator))), parameters }
  } catch (error) {
    throw wrapError(`failed to parse sbom generator ${generator}`, error)
  }
}

function readFields(type: string, value: string): Record<string, string> {
  if (value === '') return {}
  let fields: string[]
  try {
    fields = csvFields(value)
  } catch (error) {
    throw wrapError(`failed to parse ${type}`, error)
  }
  return Object.fromEntries(
    fields.map(field => {
      const at = field.indexOf('=')
      return at < 0 ? [field, ''] : [field.slice(0, at), field.slice(at + 1)]
    }),
  )
}
