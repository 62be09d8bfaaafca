import { csvLine } from '../../gostd/csv.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { compareText } from '../../hcl/value/compare-text.ts'

/** Attributes of an entry besides its named fields. */
export type Attributes = Readonly<Record<string, string>>

/** `key=value` pairs as one comma-separated line, pairs that need it in quotes. */
export function writePairs(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([key, value]) => csvLine([`${key}=${value}`])).join(',')
}

/** The attributes as pairs, sorted by key. */
export function attributePairs(attributes: Attributes): [string, string][] {
  return Object.entries(attributes).sort((a, b) => compareText(a[0], b[0]))
}

/** A field as key and value; one without `=` is refused in buildx's words. */
export function splitField(field: string): readonly [string, string] {
  const at = field.indexOf('=')
  if (at < 0) throw invalid(`invalid value ${field}`)
  return [field.slice(0, at), field.slice(at + 1)]
}

/** Tells whether two sets of attributes are the same. */
export function sameAttributes(a: Attributes, b: Attributes): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(k => Object.hasOwn(b, k) && a[k] === b[k])
}

/** An `invalid-argument` error. */
export function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}

/** The attributes in a fresh record without a prototype, so that no key means anything special. */
export function attributesOf(entries: Iterable<readonly [string, string]> = []): Record<string, string> {
  const out = Object.create(null) as Record<string, string>
  for (const [k, v] of entries) out[k] = v
  return out
}

/**
 * The list without repeated entries. Of two equal ones the later goes, and the last entry takes its place: that is how
 * buildx does it (util/buildflags/utils.go at v0.36.1), and the order can be seen in `bake --print`.
 */
export function withoutRepeats<T>(entries: readonly T[], same: (a: T, b: T) => boolean): T[] {
  const kept = [...entries]
  for (let i = kept.length - 2; i >= 0; i--) {
    for (let j = i + 1; j < kept.length; j++) {
      if (!same(kept[i] as T, kept[j] as T)) continue
      kept[j] = kept.at(-1) as T
      kept.pop()
      break
    }
  }
  return kept
}

/** The list with one entry per key: a later entry takes the place of an earlier one. */
export function lastByKey<T>(entries: readonly T[], key: (entry: T) => string): T[] {
  return [...new Map(entries.map(e => [key(e), e])).values()]
}
