import { asSlipwayError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import { formatPlatform, formatPlatformAll, normalizePlatform, parsePlatform } from '../oci/platform.ts'

/** The platforms of a result. */
export interface MadePlatforms {
  readonly platforms: readonly Platform[]
  readonly multiPlatform: boolean
}

/**
 * What users should know where a frontend made other platforms than they asked for (`platform` of its options;
 * without it, that of this machine). Texts:
 * https://github.com/moby/buildkit/blob/v0.32.2/exporter/verifier/platforms.go
 */
export function platformWarnings(
  requested: string | undefined,
  made: MadePlatforms,
  hostPlatform: Platform,
): readonly string[] {
  const texts = (requested || formatPlatform(hostPlatform)).split(',').map(text => text.trim())
  const wanted = new Set<string>()
  const warnings: string[] = []
  for (const text of texts) {
    try {
      const name = formatPlatformAll(normalizePlatform(parsePlatform(text, hostPlatform)))
      if (wanted.has(name)) warnings.push(`Duplicate platform result requested ${JSON.stringify(text)}`)
      wanted.add(name)
    } catch (e) {
      warnings.push(`Invalid platform result requested ${JSON.stringify(text)}: ${asSlipwayError(e).message}`)
    }
  }
  if (warnings.length > 0) return warnings
  const names = made.platforms.map(platform => formatPlatformAll(normalizePlatform(platform)))
  const [only] = made.platforms
  if (wanted.size === 1 && names.length === 1 && only !== undefined) {
    const { 'os.version': _, ...plain } = normalizePlatform(only)
    if (wanted.has(names[0] ?? '') || wanted.has(formatPlatformAll(plain))) return []
    return [
      `Requested platform ${JSON.stringify(texts[0])} does not match result platform ${JSON.stringify(names[0])}`,
    ]
  }
  if (!made.multiPlatform && wanted.size > 1) {
    return ['Multiple platforms requested but result is not multi-platform']
  }
  if (wanted.size === names.length && names.every(name => wanted.has(name))) return []
  const list = (all: Iterable<string>): string => [...all].sort().join(',')
  return [`Requested platforms ${list(wanted)} do not match result platforms ${list(names)}`]
}
