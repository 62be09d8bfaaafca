import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { parseDuration } from '../gostd/duration.ts'
import type { FlagType } from '../gostd/pflag/flag-type.ts'

/** Values of `--filter`, by name; docker's filter flag. */
export const filterType: FlagType<ReadonlyMap<string, readonly string[]>> = {
  name: 'filter',
  zero: new Map(),
  zeroTexts: ['', '[]', '<nil>'],
  parse: (text, current) => {
    if (text === '') return current
    const at = text.indexOf('=')
    if (at < 0) throw new SlipwayError('invalid-argument', 'bad format of filter (expected name=value)')
    const name = text.slice(0, at).trim().toLowerCase()
    const value = text.slice(at + 1).trim()
    return new Map([...current, [name, [...new Set([...(current.get(name) ?? []), value])]]])
  },
  format: () => '',
}

/**
 * Filters together with those that docker's configuration has for everything that prunes (`pruneFilters`); what was given
 * about labels stands above the opposite in the configuration.
 * Source: https://github.com/docker/cli/blob/v29.1.3/cli/command/utils.go
 */
export function withConfiguredFilters(
  given: ReadonlyMap<string, readonly string[]>,
  configured: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const filters = new Map(given)
  for (const text of configured) {
    const at = text.indexOf('=')
    if (at < 0) continue
    const [key, value] = [text.slice(0, at), text.slice(at + 1)]
    const opposite = key === 'label' ? 'label!' : key === 'label!' ? 'label' : undefined
    if (opposite !== undefined && given.get(opposite)?.includes(value) === true) continue
    filters.set(key, [...new Set([...(filters.get(key) ?? []), value])])
  }
  return filters
}

/** Filters as a daemon takes them. */
export interface CacheFilter {
  /** Nanoseconds; 0 = any age. */
  readonly keepDuration: bigint
  /** containerd's grammar: an element matches when all of its conditions do. */
  readonly filter: readonly string[]
}

/**
 * Turns values of `--filter` into a daemon's. Throws `invalid-argument` in buildx's words.
 * Source: https://github.com/docker/buildx/blob/v0.36.1/commands/prune.go
 */
export function cacheFilter(filters: ReadonlyMap<string, readonly string[]>): CacheFilter {
  if (filters.has('until') && filters.has('unused-for')) {
    throw new SlipwayError('invalid-argument', 'conflicting filters "until" and "unused-for"')
  }
  const ageName = filters.has('unused-for') ? 'unused-for' : 'until'
  const conditions: string[] = []
  let keepDuration = 0n
  for (const [name, values] of filters) {
    const [value = ''] = values
    if (values.length > 1) {
      throw new SlipwayError('invalid-argument', `${JSON.stringify(name)} filter expects only one value`)
    }
    if (name === ageName) keepDuration = age(name, value)
    else if (name === 'id') conditions.push(`id~=${value}`)
    else if (/[!~]$/.test(name)) conditions.push(`${name}=${value}`)
    else conditions.push(`${name}==${value}`)
  }
  return { keepDuration, filter: [conditions.join(',')] }
}

function age(name: string, value: string): bigint {
  try {
    return parseDuration(value)
  } catch (error) {
    throw wrapError(`${JSON.stringify(name)} filter expects a duration (e.g., '24h')`, error)
  }
}
