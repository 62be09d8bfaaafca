import { SlipwayError } from '../errors/slipway-error.ts'
import { formatPlatformAll, parsePlatform } from '../oci/platform.ts'
import type { Attributes } from './attributes.ts'

/** Where an annotation goes. */
export type AnnotationLevel = 'manifest' | 'manifest-descriptor' | 'index' | 'index-descriptor'

/** One annotation as it was asked for. */
interface Entry {
  readonly level: AnnotationLevel
  /** Undefined for all platforms. */
  readonly platform: string | undefined
  readonly key: string
  readonly value: string
}

/** Annotations by level; those for one platform win over those for all, later ones over earlier ones. */
export class Annotations {
  readonly #entries: readonly Entry[]

  constructor(entries: readonly Entry[]) {
    this.#entries = entries
  }

  /** Platforms that annotations name. */
  get platforms(): readonly string[] {
    return [...new Set(this.#entries.flatMap(one => one.platform ?? []))]
  }

  get empty(): boolean {
    return this.#entries.length === 0
  }

  /** Merged for one platform, or for all where `platformId` is undefined. Those of an index are for all, whatever they name. */
  at(level: AnnotationLevel, platformId?: string): Readonly<Record<string, string>> {
    const chosen = new Map<string, string>()
    const take = (wanted: (platform: string | undefined) => boolean): void => {
      for (const { level: its, platform, key, value } of this.#entries)
        if (its === level && wanted(platform)) chosen.set(key, value)
    }
    take(platform => platform === undefined)
    if (level === 'index' || level === 'index-descriptor') take(platform => platform !== undefined)
    else if (platformId !== undefined) take(platform => platform === platformId)
    return Object.fromEntries([...chosen].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** These, and others that win over them. */
  with(others: Annotations): Annotations {
    return new Annotations([...this.#entries, ...others.#entries])
  }
}

const levels: ReadonlySet<string> = new Set<AnnotationLevel>([
  'manifest',
  'manifest-descriptor',
  'index',
  'index-descriptor',
])
const pattern = /^annotation(?:-([a-z-]+))?(?:\[([A-Za-z0-9_/-]+)\])?\.(\S+)$/

const linux = { os: 'linux', architecture: 'amd64' }

function isLevel(text: string): text is AnnotationLevel {
  return levels.has(text)
}

/**
 * Reads `annotation[-level][platform].key` options; platforms are written out, so that `arm64/v8` is `linux/arm64`'s. Keys of
 * another form are no annotations, and passed over. Throws `invalid-argument` for unknown levels and platforms.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/exporter/containerimage/exptypes/annotations.go
 */
export function readAnnotations(attrs: Attributes): Annotations {
  const entries: Entry[] = []
  for (const [name, value] of Object.entries(attrs)) {
    const parts = pattern.exec(name)
    if (parts === null) continue
    const level = parts[1] ?? 'manifest'
    if (!isLevel(level)) throw new SlipwayError('invalid-argument', `unrecognized annotation type ${level}`)
    const platform = parts[2] === undefined ? undefined : formatPlatformAll(parsePlatform(parts[2], linux))
    entries.push({ level, platform, key: parts[3] ?? '', value })
  }
  return new Annotations(entries)
}

/** Annotations that a frontend gives with its result. Throws `invalid-argument`. */
export function resultAnnotations(metadata: ReadonlyMap<string, Uint8Array>): Annotations {
  const given = [...metadata].filter(([name]) => name.startsWith('annotation'))
  return readAnnotations(
    Object.fromEntries(given.map(([name, bytes]) => [name, Buffer.from(bytes).toString('utf8')])),
  )
}
