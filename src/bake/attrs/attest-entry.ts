import { csvFields } from '../../gostd/csv.ts'
import { wrapError } from '../../errors/slipway-error.ts'
import { parseBool, tryParseBool } from '../../gostd/parse-number.ts'
import {
  attributePairs,
  type Attributes,
  attributesOf,
  invalid,
  lastByKey,
  splitField,
  writePairs,
} from './attribute-csv.ts'

/** One value of `--attest`: an attestation to make, or one not to make. */
export interface AttestEntry {
  readonly type: string
  readonly disabled: boolean
  readonly attributes: Attributes
}

/** Reads `type=…,disabled=…,key=value`. Throws `invalid-argument`. */
export function parseAttestEntry(text: string): AttestEntry {
  const entry = makeAttestEntry(
    csvFields(text).map(field => {
      const [key, value] = splitField(field)
      return [key, value, field] as const
    }),
    true,
  )
  if (entry.type === '') throw invalid('attestation type not specified')
  return entry
}

/** An entry from keys and values, of which `type` and `disabled` are its own; `loose` reads those in any case. */
export function makeAttestEntry(
  pairs: readonly (readonly [string, string, string?])[],
  loose = false,
): AttestEntry {
  let type = ''
  let disabled = false
  const attributes = attributesOf()
  for (const [key, value, field] of pairs) {
    const name = loose ? key.toLowerCase().trim() : key
    if (name === 'type') type = value
    else if (name === 'disabled') disabled = readDisabled(value, field)
    else attributes[key] = value
  }
  return { type, disabled, attributes }
}

function readDisabled(value: string, field: string | undefined): boolean {
  try {
    return parseBool(value)
  } catch (e) {
    throw field === undefined ? e : wrapError(`invalid value ${field}`, e)
  }
}

/** Reads all values of `--attest`. */
export function parseAttestEntries(values: readonly string[]): AttestEntry[] {
  return values.map(parseAttestEntry)
}

/** `--sbom=x` or `--provenance=x` as a value of `--attest`: a boolean switches it, anything else are its attributes. */
export function canonicalAttest(type: string, value: string): string {
  if (value === '') return ''
  const on = tryParseBool(value)
  return on === undefined ? `type=${type},${value}` : `type=${type},disabled=${!on}`
}

/** The entry as it is written on the command line. */
export function writeAttestEntry(e: AttestEntry): string {
  const own: [string, string][] = e.disabled
    ? [
        ['type', e.type],
        ['disabled', 'true'],
      ]
    : [['type', e.type]]
  return writePairs([...own, ...attributePairs(e.attributes)])
}

/** One entry per type, the last one given. */
export function distinctAttests(entries: readonly AttestEntry[]): AttestEntry[] {
  return lastByKey(entries, e => e.type)
}

/** Per type what the frontend is told: the attributes of the attestation, `undefined` where it is switched off. */
export function attestRequests(entries: readonly AttestEntry[]): ReadonlyMap<string, string | undefined> {
  const requests = new Map<string, string | undefined>()
  for (const e of entries)
    if (!requests.has(e.type)) requests.set(e.type, e.disabled ? undefined : writeAttestEntry(e))
  return requests
}
