import { SlipwayError } from '../errors/slipway-error.ts'
import { tryParseBool } from '../gostd/parse-number.ts'
import { quote } from '../gostd/quote.ts'

/** How provenance is wanted. */
export interface ProvenanceOptions {
  readonly version: 'v1' | 'v0.2'
  /** `min` leaves out arguments, labels, secrets and the graph. */
  readonly mode: 'min' | 'max'
  readonly builderId: string
  /** What the user says of the build. */
  readonly reproducible: boolean
  /** Only for images that have an index anyway. */
  readonly inlineOnly: boolean
  /** Name of the file of local exports. */
  readonly filename: string
  /** Fail where something that went in is not known by digest. */
  readonly completeMaterials: boolean
}

/**
 * Reads the fields of `attest:provenance`. Throws `invalid-argument`. Source:
 * https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/provenance.go
 */
export function readProvenanceOptions(fields: Readonly<Record<string, string>>): ProvenanceOptions {
  const version = fields['version'] ?? 'v1'
  if (version === '') throw new SlipwayError('invalid-argument', 'provenance SLSA version cannot be empty')
  if (version !== 'v1' && version !== 'v0.2') {
    throw new SlipwayError('invalid-argument', `invalid provenance SLSA version: ${version}`)
  }
  return {
    version,
    mode: readMode(fields['mode'] ?? 'max'),
    builderId: fields['builder-id'] ?? '',
    reproducible: readFlag(fields, 'reproducible'),
    inlineOnly: tryParseBool(fields['inline-only'] ?? '') ?? false,
    filename: fields['filename'] ?? 'provenance.json',
    completeMaterials: readFlag(fields, 'complete-materials'),
  }
}

function readMode(text: string): 'min' | 'max' {
  if (text === 'full') return 'max'
  if (text === 'min' || text === 'max') return text
  throw new SlipwayError('invalid-argument', `invalid mode ${quote(text)}`)
}

function readFlag(fields: Readonly<Record<string, string>>, key: string): boolean {
  const text = fields[key]
  if (text === undefined) return false
  const value = tryParseBool(text)
  if (value !== undefined) return value
  const quoted = quote(text)
  throw new SlipwayError(
    'invalid-argument',
    `failed to parse ${key} flag ${quoted}: strconv.ParseBool: parsing ${quoted}: invalid syntax`,
  )
}
