import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { quote } from '../gostd/quote.ts'
import type { Platform } from './descriptor.ts'
import { formatPlatform, parsePlatform } from './platform.ts'

/** Where in an image an annotation goes. Source: BuildKit docs/annotations.md at v0.32.2. */
export const annotationTypes = ['index', 'index-descriptor', 'manifest', 'manifest-descriptor'] as const

/** One of `annotationTypes`. */
export type AnnotationType = (typeof annotationTypes)[number]

/** One annotation asked for; without a type it is for manifests, without a platform for all of them. */
export interface RequestedAnnotation {
  readonly type?: AnnotationType
  readonly platform?: Platform
  readonly key: string
  readonly value: string
}

const typeForm = /^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$/

/**
 * Reads the values of `--annotation`: `[type[platform],…:]key=value`. A later value of the same key in the same place
 * replaces an earlier one. Throws `invalid-argument` in the words of buildx.
 * Source: github.com/docker/buildx util/buildflags/export.go at v0.36.1, `ParseAnnotations`.
 */
export function parseAnnotationFlags(
  values: readonly string[],
  defaultPlatform: Platform,
): readonly RequestedAnnotation[] {
  const requested = new Map<string, RequestedAnnotation>()
  for (const text of values) {
    if (text === '') continue
    const equals = text.indexOf('=')
    if (equals < 0) throw invalid(`invalid annotation ${quote(text)}, expected key=value`)
    const left = text.slice(0, equals)
    const value = text.slice(equals + 1)
    const colon = left.indexOf(':')
    const key = left.slice(colon + 1)
    const places =
      colon < 0
        ? [{}]
        : left
            .slice(0, colon)
            .split(',')
            .map(place => parsePlace(place, defaultPlatform))
    for (const place of places) {
      const annotation: RequestedAnnotation = { ...place, key, value }
      requested.set(JSON.stringify([placeText(annotation), key]), annotation)
    }
  }
  return [...requested.values()]
}

function parsePlace(text: string, defaultPlatform: Platform): Pick<RequestedAnnotation, 'type' | 'platform'> {
  const found = typeForm.exec(text)
  if (found === null) {
    throw invalid(
      `invalid annotation type ${quote(text)}, expected type and optional platform in square brackets`,
    )
  }
  const [, name = '', platform] = found
  const type = annotationTypes.find(t => t === name)
  if (type === undefined) throw invalid(`unknown annotation type ${quote(name)}`)
  if (platform === undefined) return { type }
  try {
    return { type, platform: parsePlatform(platform, defaultPlatform) }
  } catch (error) {
    throw wrapError(`invalid platform ${quote(platform)}`, error)
  }
}

function placeText(annotation: RequestedAnnotation): string {
  const platform = annotation.platform === undefined ? '' : formatPlatform(annotation.platform)
  return `${annotation.type ?? ''}[${platform}]`
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
