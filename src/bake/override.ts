import { SlipwayError } from '../errors/slipway-error.ts'
import { filepathMatch } from '../gostd/filepath-match.ts'
import { isSlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { Target } from './target.ts'

/** What `--set` says about one key of a target. */
export interface TargetOverride {
  readonly value: string
  /** For keys that take lists: all values given. */
  readonly values: readonly string[]
  /** Given as `key+=value`. */
  readonly append: boolean
}

/** Overrides by target name, then by key (`args.NAME`, `tags`, …) in the order they were given. */
export type Overrides = ReadonlyMap<string, ReadonlyMap<string, TargetOverride>>

/** Keys whose values add up when they are given several times. */
const listKeys: ReadonlySet<string> = new Set([
  'output',
  'cache-to',
  'cache-from',
  'tags',
  'platform',
  'secrets',
  'ssh',
  'attest',
  'entitlements',
  'annotations',
  'policy',
  'no-cache-filter',
  'ulimits',
])

/** Reads the values of `--set`; `environment` gives `args.NAME` without a value. Throws `invalid-argument`. */
export function parseOverrides(
  values: readonly string[],
  targets: readonly Target[],
  environment: (name: string) => string | undefined,
): Overrides {
  const overrides = new Map<string, Map<string, TargetOverride>>()
  for (const text of values) {
    const given = splitOverride(text)
    for (const name of matchTargets(given.pattern, targets)) {
      const ofTarget = overrides.get(name) ?? new Map<string, TargetOverride>()
      overrides.set(name, ofTarget)
      const next = nextOverride(given, ofTarget.get(given.key), environment)
      if (next !== undefined) ofTarget.set(given.key, next)
    }
  }
  return overrides
}

interface GivenOverride {
  readonly pattern: string
  readonly key: string
  readonly first: string
  readonly name: string | undefined
  readonly left: string
  readonly value: string | undefined
  readonly append: boolean
}

function splitOverride(text: string): GivenOverride {
  const equals = text.indexOf('=')
  const left = equals < 0 ? text : text.slice(0, equals)
  const append = left.endsWith('+')
  const path = append ? left.slice(0, -1) : left
  const [pattern = '', first, ...rest] = path.split('.')
  if (first === undefined) throw invalid(`invalid override key ${path}, expected target.name`)
  if (equals < 0 && first !== 'args') throw invalid(`invalid override ${text}, expected target.name=value`)
  const name = rest.length === 0 ? undefined : rest.join('.')
  return {
    pattern,
    key: [first, ...rest].join('.'),
    first,
    name,
    left,
    value: equals < 0 ? undefined : text.slice(equals + 1),
    append,
  }
}

function nextOverride(
  given: GivenOverride,
  before: TargetOverride | undefined,
  environment: (name: string) => string | undefined,
): TargetOverride | undefined {
  const { first, name, left, append } = given
  if (['resources', 'secret', 'args', 'contexts'].includes(first) && name === undefined)
    throw invalid(`invalid key ${left}, ${first} requires name`)
  if (append && (first === 'resources' || first === 'secret'))
    throw invalid(`invalid key ${left}, ${first} does not support append`)
  const value = given.value ?? environment(name ?? '')
  if (value === undefined) return undefined
  if (listKeys.has(first)) return { value: '', values: [...(before?.values ?? []), value], append }
  return { value, values: [], append }
}

/** The targets that a pattern names: itself, or those it matches by `path.Match`. */
function matchTargets(pattern: string, targets: readonly Target[]): string[] {
  if (targets.some(t => t.name === pattern)) return [pattern]
  let names: string[]
  try {
    names = targets.map(t => t.name).filter(name => filepathMatch(pattern, name))
  } catch (e) {
    throw isSlipwayError(e) ? wrapError(`could not match targets with '${pattern}'`, e) : e
  }
  if (names.length === 0) throw invalid(`could not find any target matching '${pattern}'`)
  return names
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
