import { goJson } from '../../gostd/json.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { formatPlatformAll, normalizePlatform } from '../../oci/platform.ts'
import type { Handler } from './handler.ts'

/** What the installer image prints at its end: supported platforms and names of enabled handlers (`null` for none). */
export function statusJson(platforms: readonly Platform[], handlers: readonly Handler[]): string {
  const names = handlers.filter(handler => handler.enabled).map(handler => handler.name)
  const supported = platforms.map(platform => formatPlatformAll(normalizePlatform(platform)))
  return goJson({ supported, emulators: names.length === 0 ? null : names }, { indent: '  ' })
}
