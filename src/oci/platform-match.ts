import type { Descriptor } from './descriptor.ts'
import { normalizePlatform, type Platform } from './platform.ts'
import { windowsVersionMatches } from './windows-version.ts'

/** Which platforms will do, and which of two is the better choice. */
export interface PlatformMatcher {
  readonly match: (platform: Platform) => boolean
  /** Negative where `a` is the closer one, positive where `b` is, 0 where neither. For stable sorts. */
  readonly compare: (a: Platform, b: Platform) => number
}

type Test = (platform: Platform) => boolean

/** One normalised platform against another: everything equal, and no feature asked for that we lack. */
function exactly(wanted: Platform): Test {
  const mine = normalizePlatform(wanted)
  const features = new Set(mine['os.features'])
  const windows = wanted.os === 'windows'
  return given => {
    const theirs = normalizePlatform(given)
    return (
      mine.os === theirs.os &&
      mine.architecture === theirs.architecture &&
      (mine.variant ?? '') === (theirs.variant ?? '') &&
      (!windows || windowsVersionMatches(wanted['os.version'] ?? '', given['os.version'] ?? '')) &&
      (theirs['os.features'] ?? []).every(f => features.has(f) || (windows && f === 'win32k'))
    )
  }
}

const featureCount = (p: Platform): number => p['os.features']?.length ?? 0

function withoutFeatures(platform: Platform): Platform {
  const { 'os.features': _, ...rest } = platform
  return rest
}

/** Go's `Less` as a comparison. */
function byLess(less: (a: Platform, b: Platform) => boolean): PlatformMatcher['compare'] {
  return (a, b) => (less(a, b) ? -1 : less(b, a) ? 1 : 0)
}

/**
 * Matches any of `platforms`; the earlier in the list, the closer. Between two that match the same entry the one with
 * more OS features is closer. Source: github.com/containerd/platforms compare.go at v1.0.0-rc.4, `Ordered`.
 */
export function orderedPlatforms(platforms: readonly Platform[]): PlatformMatcher {
  const tests = platforms.map(exactly)
  const less = (a: Platform, b: Platform): boolean => {
    for (const test of tests) {
      const left = test(a)
      const right = test(b)
      if (left && right) return featureCount(a) > featureCount(b)
      if (left || right) return left
    }
    return featureCount(a) + featureCount(b) > 0 && less(withoutFeatures(a), withoutFeatures(b))
  }
  return { match: platform => tests.some(test => test(platform)), compare: byLess(less) }
}

/** Matches any of `platforms`, none preferred, except for more OS features. Source: as above, `Any`. */
export function anyPlatform(platforms: readonly Platform[]): PlatformMatcher {
  const tests = platforms.map(exactly)
  const match = (platform: Platform): boolean => tests.some(test => test(platform))
  const less = (a: Platform, b: Platform): boolean => {
    const left = match(a)
    const right = match(b)
    if (left && right) return featureCount(a) > featureCount(b)
    if (left || right) return left
    return featureCount(a) + featureCount(b) > 0 && less(withoutFeatures(a), withoutFeatures(b))
  }
  return { match, compare: byLess(less) }
}

/** Matches everything. */
export const allPlatforms: PlatformMatcher = { match: () => true, compare: () => 0 }

/** Matches `platform` itself and nothing that merely would run on it. Source: as above, `OnlyStrict`. */
export function strictPlatform(platform: Platform): PlatformMatcher {
  return orderedPlatforms([normalizePlatform(platform)])
}

/**
 * Matches what a machine of `platform` can run without emulation, closest first: amd64/v3 takes v2, v1 and 386;
 * arm/v7 takes v6 and v5; arm64 takes its lower minor versions and 32-bit arm. Source: as above, `Only`.
 */
export function onlyPlatform(platform: Platform): PlatformMatcher {
  return orderedPlatforms(compatiblePlatforms(normalizePlatform(platform)))
}

/** What a machine of the given (normalised) platform runs, best first. */
export function compatiblePlatforms(platform: Platform): readonly Platform[] {
  const { variant = '', ...rest } = platform
  const as = (architecture: string, level = ''): Platform =>
    level === '' ? { ...rest, architecture } : { ...rest, architecture, variant: level }
  switch (platform.architecture) {
    case 'amd64':
      return [platform, ...below(variant, 1).map(level => as('amd64', level)), as('386')]
    case 'arm':
      return [platform, ...below(variant, 5).map(level => as('arm', level))]
    case 'arm64':
      return arm64Levels(variant === '' ? 'v8' : variant).flatMap(({ level, last }) =>
        last ? [as('arm64', level), ...compatiblePlatforms(as('arm', 'v8'))] : [as('arm64', level)],
      )
    default:
      return [platform]
  }
}

/** `v3` with floor 1: `v2`, `v1`. Texts that are no level of that form give nothing. */
function below(variant: string, floor: number): string[] {
  const digits = variant.startsWith('v') ? variant.slice(1) : variant
  if (!/^\+?[0-9]{1,3}$/.test(digits)) return []
  const levels: string[] = []
  for (let n = Number(digits) - 1; n >= floor; n--) levels.push(`v${n}`)
  return levels
}

/** Highest minor versions of arm64 v8 that each v9 minor version includes. */
const v8Within: readonly number[] = [5, 6, 7, 8, 9, 9, 9, 9]

function arm64Levels(variant: string): { readonly level: string; readonly last: boolean }[] {
  const found = /^v([89])(?:\.([0-9]))?$/.exec(variant)
  const minor = Number(found?.[2] ?? 0)
  if (found === null || (found[1] === '9' && minor >= v8Within.length)) return []
  const levels: string[] = []
  if (found[1] === '9') levels.push(...minors('v9', minor), ...minors('v8', v8Within[minor] ?? 0))
  else levels.push(...minors('v8', minor))
  return levels.map((level, i) => ({ level, last: i === levels.length - 1 }))
}

function minors(major: string, from: number): string[] {
  const levels: string[] = []
  for (let n = from; n > 0; n--) levels.push(`${major}.${n}`)
  return [...levels, major]
}

/**
 * The manifests of an index that match, closest first; entries without a platform come last. Attestations carry the
 * platform unknown/unknown and so never match a real one.
 */
export function matchingManifests(
  manifests: readonly Descriptor[],
  matcher: PlatformMatcher,
): readonly Descriptor[] {
  return manifests
    .filter(d => d.platform === undefined || matcher.match(d.platform))
    .sort((a, b) => {
      if (a.platform === undefined || b.platform === undefined) {
        return Number(a.platform === undefined) - Number(b.platform === undefined)
      }
      return matcher.compare(a.platform, b.platform)
    })
}
