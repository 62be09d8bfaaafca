import { SlipwayError } from '../errors/slipway-error.ts'
import type { Attributes } from './attributes.ts'

/** Where an annotation goes. */
export type AnnotationLevel = 'manifest' | 'manifest-descriptor' | 'index' | 'index-descriptor'

/** Annotations by level; those for one platform win over those for all. */
export interface Annotations {
  /** Merged for one platform, or for all where `platformId` is undefined. */
  at(level: AnnotationLevel, platformId?: string): Readonly<Record<string, string>>
  /** Platforms that annotations name. */
  readonly platforms: readonly string[]
  readonly empty: boolean
}

const pattern =
  /^annotation(?:s)?(?:-(manifest|index|manifest-descriptor|index-descriptor))?(?:\[([A-Za-z0-9_/-]+)\])?\.(\S+)$/

/** Reads `annotation[-level][platform].key` options. Throws `invalid-argument`. */
export function readAnnotations(attrs: Attributes): Annotations {
  const all: { level: AnnotationLevel; platform: string | undefined; key: string; value: string }[] = []
  for (const [name, value] of Object.entries(attrs)) {
    if (!name.startsWith('annotation')) continue
    const parts = pattern.exec(name)
    if (parts === null) {
      if (
        name.startsWith('annotation.') ||
        name.startsWith('annotation-') ||
        name.startsWith('annotation[')
      ) {
        throw new SlipwayError('invalid-argument', `invalid annotation key ${name}`)
      }
      continue
    }
    const level = (parts[1] ?? 'manifest') as AnnotationLevel
    all.push({ level, platform: parts[2], key: parts[3] ?? '', value })
  }
  return {
    empty: all.length === 0,
    platforms: [...new Set(all.flatMap(one => (one.platform === undefined ? [] : [one.platform])))],
    at(level, platformId) {
      const chosen: Record<string, string> = {}
      for (const one of all)
        if (one.level === level && one.platform === undefined) chosen[one.key] = one.value
      for (const one of all)
        if (one.level === level && one.platform !== undefined && one.platform === platformId)
          chosen[one.key] = one.value
      return Object.fromEntries(Object.entries(chosen).sort(([a], [b]) => (a < b ? -1 : 1)))
    },
  }
}
