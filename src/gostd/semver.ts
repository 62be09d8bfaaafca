/** A version by https://semver.org: the build part does not count when versions are compared. */
export interface Semver {
  readonly major: number
  readonly minor: number
  readonly patch: number
  /** The dot-separated identifiers after `-`. */
  readonly prerelease: readonly string[]
  readonly build: string
}

/** Reads `1.2.3`, `v1.2.3-rc.1+meta`, and `v1.2` or `v1` with zeros for what is missing; undefined for anything else. */
export function parseSemver(text: string): Semver | undefined {
  const form =
    /^v?(0|[1-9]\d*)(?:\.(0|[1-9]\d*))?(?:\.(0|[1-9]\d*))?(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/.exec(
      text,
    )
  if (form === null) return undefined
  const [, major, minor, patch, prerelease, build] = form
  return {
    major: Number(major),
    minor: Number(minor ?? 0),
    patch: Number(patch ?? 0),
    prerelease: prerelease === undefined ? [] : prerelease.split('.'),
    build: build ?? '',
  }
}

/** Negative, zero or positive as `a` is older than, equal to or newer than `b`. */
export function compareSemver(a: Semver, b: Semver): number {
  const core = a.major - b.major || a.minor - b.minor || a.patch - b.patch
  if (core !== 0) return core
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return b.prerelease.length - a.prerelease.length
  for (const [i, left] of a.prerelease.entries()) {
    const right = b.prerelease[i]
    if (right === undefined) return 1
    const order = compareIdentifier(left, right)
    if (order !== 0) return order
  }
  return a.prerelease.length - b.prerelease.length
}

function compareIdentifier(a: string, b: string): number {
  const numeric = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (numeric[0] && numeric[1]) return Number(a) - Number(b)
  if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
