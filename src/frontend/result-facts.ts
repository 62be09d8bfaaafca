import type { Converted } from '../dockerfile/convert/convert.ts'
import { goJson, type JsonValue } from '../gostd/json.ts'
import type { Platform } from '../oci/descriptor.ts'
import { dockerImageJson } from '../oci/image-config-json.ts'
import { formatPlatformAll, normalizePlatform } from '../oci/platform.ts'
import { resultKey } from './result.ts'

/** One platform of a result. */
export interface ResultPlatform {
  /** Its name, by which refs are found. */
  readonly id: string
  readonly platform: Platform
}

/** How a platform is called in a result. */
export function resultPlatform(platform: Platform): ResultPlatform {
  const normal = normalizePlatform(platform)
  return { id: formatPlatformAll(normal), platform: normal }
}

/** Facts about one platform's image; keys get `/id` where results are by platform. */
export function imageFacts(converted: Converted, id: string | undefined): [string, Uint8Array][] {
  const { image, baseImage, epoch } = converted
  const facts: [string, Uint8Array][] = [[resultKey.imageConfig, encode(goJson(dockerImageJson(image)))]]
  if (baseImage !== undefined) facts.push([resultKey.baseConfig, encode(goJson(dockerImageJson(baseImage)))])
  if (epoch !== undefined) facts.push([resultKey.epoch, encode(String(epoch))])
  return id === undefined ? facts : facts.map(([key, value]) => [`${key}/${id}`, value])
}

/** The list of platforms of a result. */
export function platformsFact(platforms: readonly ResultPlatform[]): [string, Uint8Array] {
  const Platforms = platforms.map(({ id, platform }) => ({ ID: id, Platform: platformJson(platform) }))
  return [resultKey.platforms, encode(goJson({ Platforms }))]
}

function platformJson(platform: Platform): JsonValue {
  const { architecture, os, 'os.version': version, 'os.features': features, variant } = platform
  return { architecture, os, 'os.version': version, 'os.features': features, variant }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
