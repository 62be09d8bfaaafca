import type { Platform } from './descriptor.ts'
import { formatPlatform, normalizePlatform, parsePlatform } from './platform.ts'

/**
 * The values of a repeatable `--platform` flag, each possibly a comma list, normalised, in order, repetitions kept.
 * `local` is `defaultPlatform`. Throws as `parsePlatform`.
 * Source: github.com/docker/buildx util/platformutil/parse.go at v0.36.1.
 */
export function parsePlatformList(values: readonly string[], defaultPlatform: Platform): Platform[] {
  return values
    .flatMap(value => value.split(','))
    .map(text => (text.toLowerCase() === 'local' ? defaultPlatform : parsePlatform(text, defaultPlatform)))
    .map(normalizePlatform)
}

/** The platforms normalised, the first of each kept. */
export function uniquePlatforms(platforms: readonly Platform[]): Platform[] {
  const seen = new Map<string, Platform>()
  for (const platform of platforms.map(normalizePlatform)) {
    const key = formatPlatform(platform)
    if (!seen.has(key)) seen.set(key, platform)
  }
  return [...seen.values()]
}
