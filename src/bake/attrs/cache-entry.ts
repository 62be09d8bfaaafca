import { csvFields } from '../../gostd/csv.ts'
import { quote } from '../../gostd/quote.ts'
import {
  attributePairs,
  type Attributes,
  attributesOf,
  invalid,
  sameAttributes,
  splitField,
  withoutRepeats,
  writePairs,
} from './attribute-csv.ts'

/** One value of `--cache-from` or `--cache-to`. */
export interface CacheEntry {
  readonly type: string
  readonly attributes: Attributes
}

/** Reads `type=…,key=value` or a bare reference (`type=registry`). Throws `invalid-argument`. */
export function parseCacheEntry(text: string): CacheEntry {
  const fields = csvFields(text)
  const [first = ''] = fields
  if (fields.length === 1 && !first.includes('='))
    return { type: 'registry', attributes: attributesOf([['ref', first]]) }
  return makeCacheEntry(
    fields.map(splitField).map(([key, value]) => [key.toLowerCase(), value]),
    text,
  )
}

/** An entry from keys and values, of which `type` is its own; `source` is shown when there is none. */
export function makeCacheEntry(pairs: readonly (readonly [string, string])[], source: string): CacheEntry {
  const attributes = attributesOf(pairs)
  const { type = '' } = attributes
  delete attributes['type']
  if (type === '') throw invalid(`type required for ${quote(source)}`)
  return { type, attributes }
}

/** Reads all values of the flag; one without any `=` may list several references. */
export function parseCacheEntries(values: readonly string[]): CacheEntry[] {
  return values
    .filter(v => v !== '')
    .flatMap(v => (v.includes('=') ? [parseCacheEntry(v)] : csvFields(v).map(parseCacheEntry)))
}

/** The entry as it is written on the command line. */
export function writeCacheEntry(e: CacheEntry): string {
  const pairs = attributePairs(e.attributes)
  const reference = e.attributes['ref']
  if (e.type === 'registry' && pairs.length === 1 && reference !== undefined) return reference
  return writePairs([['type', e.type], ...pairs])
}

/** The entries without repetitions. */
export function distinctCaches(entries: readonly CacheEntry[]): CacheEntry[] {
  return withoutRepeats(entries, (a, b) => a.type === b.type && sameAttributes(a.attributes, b.attributes))
}
