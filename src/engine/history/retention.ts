import { parseDuration, toMilliseconds } from '../../gostd/duration.ts'
import { defaultRetention } from './build-history.ts'

/**
 * How long records of builds are kept, by the table `history` of the configuration: `maxEntries`, and `maxAge` in seconds
 * or as a duration. Throws `invalid-argument`. Form: https://github.com/moby/buildkit/blob/v0.32.2/docs/buildkitd.toml.md
 */
export function historyRetention(table: unknown): { readonly entries: number; readonly ageMs: number } {
  if (typeof table !== 'object' || table === null) return defaultRetention
  const { maxAge, maxEntries } = table as { maxAge?: unknown; maxEntries?: unknown }
  const entries = Number(maxEntries ?? defaultRetention.entries)
  return {
    entries: Number.isSafeInteger(entries) && entries >= 0 ? entries : defaultRetention.entries,
    ageMs: age(maxAge),
  }
}

function age(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value) * 1000
  if (typeof value !== 'string') return defaultRetention.ageMs
  return /^\d+$/.test(value) ? Number(value) * 1000 : toMilliseconds(parseDuration(value))
}
