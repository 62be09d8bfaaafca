import { SlipwayError } from '../errors/slipway-error.ts'
import { type JsonValue, sortKeys } from '../gostd/json.ts'
import type { Descriptor, Platform } from './descriptor.ts'
import { isDigest } from './digest.ts'
import { readInteger, readObject, readText, readTextMap, readTexts } from './json-reader.ts'

/**
 * Checks a descriptor from outside: media type, digest in strict form, size not negative. Throws `invalid-argument`.
 * Unknown members are dropped. Source: OCI image-spec 1.1 descriptor.md.
 */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  const object = readObject(value, what)
  const mediaType = readText(object, 'mediaType', what)
  const digest = readText(object, 'digest', what)
  const size = readInteger(object, 'size', what)
  if (mediaType === undefined) throw invalid(what, 'mediaType is missing')
  if (!isDigest(digest)) throw invalid(what, `digest ${JSON.stringify(digest ?? null).slice(0, 120)}`)
  if (size === undefined || size < 0) throw invalid(what, `size ${size ?? 'is missing'}`)
  const annotations = readTextMap(object, 'annotations', what)
  const urls = readTexts(object, 'urls', what)
  const data = readText(object, 'data', what)
  const artifactType = readText(object, 'artifactType', what)
  const platform = parsePlatformObject(object['platform'], `${what}.platform`)
  return {
    mediaType,
    digest,
    size,
    ...(urls === undefined ? {} : { urls }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(data === undefined ? {} : { data }),
    ...(platform === undefined ? {} : { platform }),
    ...(artifactType === undefined ? {} : { artifactType }),
  }
}

/** Checks a platform object of an index; null and absent give undefined. Texts are kept as they are. */
export function parsePlatformObject(value: unknown, what: string): Platform | undefined {
  if (value === null || value === undefined) return undefined
  const object = readObject(value, what)
  const osVersion = readText(object, 'os.version', what)
  const osFeatures = readTexts(object, 'os.features', what)
  const variant = readText(object, 'variant', what)
  return {
    architecture: readText(object, 'architecture', what) ?? '',
    os: readText(object, 'os', what) ?? '',
    ...(osVersion === undefined ? {} : { 'os.version': osVersion }),
    ...(osFeatures === undefined ? {} : { 'os.features': osFeatures }),
    ...(variant === undefined ? {} : { variant }),
  }
}

function invalid(what: string, problem: string): SlipwayError {
  return new SlipwayError('invalid-argument', `invalid descriptor ${what}: ${problem}`)
}

/** A descriptor as Go writes it: members in the order of the struct, empty ones left out, annotations sorted. */
export function descriptorJson(descriptor: Descriptor): JsonValue {
  return {
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    urls: nonEmptyList(descriptor.urls),
    annotations: textMapJson(descriptor.annotations),
    data: descriptor.data === '' ? undefined : descriptor.data,
    platform: descriptor.platform === undefined ? undefined : platformJson(descriptor.platform),
    artifactType: descriptor.artifactType === '' ? undefined : descriptor.artifactType,
  }
}

/** A platform as Go writes it; architecture and os are always there. */
export function platformJson(platform: Platform): JsonValue {
  return {
    architecture: platform.architecture,
    os: platform.os,
    'os.version': platform['os.version'] === '' ? undefined : platform['os.version'],
    'os.features': nonEmptyList(platform['os.features']),
    variant: platform.variant === '' ? undefined : platform.variant,
  }
}

/** A map of texts with its keys sorted; undefined where it is empty (Go's omitempty). */
export function textMapJson(map: Readonly<Record<string, string>> | undefined): JsonValue {
  return map === undefined || Object.keys(map).length === 0 ? undefined : sortKeys(map)
}

/** A list, or undefined where it is empty (Go's omitempty). */
export function nonEmptyList(list: readonly string[] | undefined): readonly string[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list
}
