import { quote } from '../../gostd/quote.ts'
import { compareSemver, type Semver } from '../../gostd/semver.ts'
import { FunctionError } from '../function.ts'

const part = '[0-9|x|X|\\*]+'
const version = `v?(${part})(\\.${part})?(\\.${part})?(-(?:[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+(?:[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?`
const plainVersion = version.replace(/\((?!\?)/g, '(?:')
const operator = '=|!=|>|<|>=|=>|<=|=<|~|~>|\\^|'
const one = new RegExp(`^\\s*(${operator})\\s*${version}\\s*$`)
const every = new RegExp(`(?:!=|>=|=>|<=|=<|~>|=|>|<|~|\\^|)\\s*${plainVersion}`, 'g')
const whole = new RegExp(
  `^\\s*(?:${operator})\\s*${plainVersion}\\s*(?:(?:\\s+|,\\s*)(?:${operator})\\s*${plainVersion}\\s*)*$`,
)
const span = new RegExp(`\\s*(${plainVersion})\\s+-\\s+(${plainVersion})\\s*`, 'g')

interface Constraint {
  readonly operator: string
  readonly version: Semver
  readonly anyMajor: boolean
  readonly anyMinor: boolean
  readonly anyPatch: boolean
}

/** Tells whether a version satisfies a constraint such as `>= 1.2, < 2 || ~3.1` (the language of Masterminds/semver 3). */
export function satisfies(given: string, constraint: string): boolean {
  const v = parseVersion(given)
  const alternatives = constraint
    .replace(span, (_, low: string, high: string) => `>= ${low}, <= ${high} `)
    .split('||')
    .map(text => {
      if (text.length > 10_000 || !whole.test(text)) throw new FunctionError(`improper constraint: ${text}`)
      return (text.match(every) ?? [text]).map(parseConstraint)
    })
  return alternatives.some(all => {
    const withPrerelease = all.some(c => c.version.prerelease.length > 0)
    return (v.prerelease.length === 0 || withPrerelease) && all.every(c => holds(v, c))
  })
}

/** Reads a version with whatever may be missing or written oddly; throws a `FunctionError` in the original's words. */
function parseVersion(given: string): Semver {
  const found = loose.exec(given)
  if (found === null) throw new FunctionError('invalid semantic version')
  const [, major = '0', minor = '0', patch = '0', prerelease, build = ''] = found
  const identifiers = prerelease === undefined ? [] : prerelease.split('.')
  const version = {
    major: segment(major),
    minor: segment(minor),
    patch: segment(patch),
    prerelease: identifiers,
    build,
  }
  if (identifiers.some(i => /^0[0-9]+$/.test(i))) throw new FunctionError('version segment starts with 0')
  return version
}

const identifiers = '([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)'
const loose = new RegExp(
  `^v?([0-9]+)(?:\\.([0-9]+))?(?:\\.([0-9]+))?(?:-${identifiers})?(?:\\+${identifiers})?$`,
)

function segment(digits: string): number {
  if (BigInt(digits) < 1n << 64n) return Number(digits)
  const why = `strconv.ParseUint: parsing ${quote(digits)}: value out of range`
  throw new FunctionError(`error parsing version segment: ${why}`)
}

function parseConstraint(text: string): Constraint {
  const match = one.exec(text)
  if (match === null) throw new FunctionError(`improper constraint: ${text}`)
  const [, op = '', major = '', minor = '', patch = '', prerelease = ''] = match
  const wild = (p: string): boolean => p === '' || ['x', 'X', '*'].includes(p.replace(/^\./, ''))
  const anyMajor = wild(major)
  const anyMinor = !anyMajor && wild(minor)
  const anyPatch = !anyMajor && !anyMinor && wild(patch)
  const numbers = anyMajor
    ? '0.0.0'
    : anyMinor
      ? `${major}.0.0`
      : anyPatch
        ? `${major}${minor}.0`
        : `${major}${minor}${patch}`
  const parsed = constraintVersion(numbers + prerelease)
  return { operator: op, version: parsed, anyMajor, anyMinor, anyPatch }
}

function constraintVersion(text: string): Semver {
  try {
    return parseVersion(text)
  } catch (e) {
    if (e instanceof FunctionError) throw new FunctionError('constraint parser error')
    throw e
  }
}

function holds(v: Semver, c: Constraint): boolean {
  const w = c.version
  const order = compareSemver(v, w)
  const partial = c.anyMajor || c.anyMinor || c.anyPatch
  switch (c.operator) {
    case '!=':
      return !partial ? order !== 0 : !within(v, c) && !c.anyMajor
    case '>':
      if (!partial) return order > 0
      return v.major !== w.major ? v.major > w.major : c.anyPatch && v.minor > w.minor
    case '<':
      return order < 0
    case '>=':
    case '=>':
      return order >= 0
    case '<=':
    case '=<':
      if (!partial) return order <= 0
      return v.major <= w.major && !(v.major === w.major && v.minor > w.minor && !c.anyMinor)
    case '~':
    case '~>':
      return order >= 0 && within(v, { ...c, anyPatch: true })
    case '^':
      return order >= 0 && caret(v, c)
    default:
      return partial ? order >= 0 && within(v, c) : order === 0
  }
}

/** Whether the parts that the constraint writes out are those of the version, as far as `~` looks at them. */
function within(v: Semver, { version: w, anyMajor, anyMinor }: Constraint): boolean {
  if (anyMajor) return true
  return v.major === w.major && (anyMinor || v.minor === w.minor)
}

function caret(v: Semver, { version: w, anyMajor, anyMinor, anyPatch }: Constraint): boolean {
  if (anyMajor) return v.major === w.major && v.minor === w.minor && v.patch === w.patch
  if (w.major > 0 || anyMinor || v.major > 0) return v.major === w.major
  if (w.minor > 0 || anyPatch || v.minor > 0) return v.minor === w.minor
  return v.patch === w.patch
}
