import { formatPlatform, normalizePlatform, type Platform } from '../oci/platform.ts'

/** Platforms that are named first in short lists. Source: buildx v0.36.1 commands/ls.go */
const major: readonly string[] = [
  'linux/amd64',
  'linux/arm64',
  'linux/arm',
  'linux/ppc64le',
  'linux/s390x',
  'linux/riscv64',
  'linux/mips64',
]

/** The platforms of a node, each once: those that the user fixed first, marked `*`. */
export function platformTexts(fixed: readonly Platform[], found: readonly Platform[]): string[] {
  const seen = new Set<string>()
  const texts: string[] = []
  for (const [platforms, mark] of [
    [fixed, '*'],
    [found, ''],
  ] as const) {
    for (const platform of platforms) {
      const text = formatPlatform(normalizePlatform(platform))
      if (seen.has(text)) continue
      seen.add(text)
      texts.push(text + mark)
    }
  }
  return texts
}

/** At most `max` groups of one os and architecture each, and how many more there are: `linux/amd64 (+4), (2 more)`. */
export function shortPlatforms(texts: readonly string[], max: number): string {
  const groups = Map.groupBy(texts, text => text.replace(/\*$/, '').split('/').slice(0, 2).join('/'))
  const chosen = new Map<string, readonly string[]>()
  for (const name of major) {
    const group = groups.get(name)
    if (group !== undefined && chosen.size < max) chosen.set(name, group)
  }
  const rest = [...groups].filter(([name]) => !chosen.has(name)).toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [name, group] of rest) if (chosen.size < max) chosen.set(name, group)
  const shown = [...chosen].map(([name, group]) => {
    if (group.length === 1) return group[0] ?? ''
    const mark = group.some(text => text.endsWith('*')) ? '*' : ''
    return `${name}${mark} (+${group.length})`
  })
  const left = texts.length - [...chosen.values()].reduce((sum, group) => sum + group.length, 0)
  return [...shown, ...(left > 0 ? [`(${left} more)`] : [])].join(', ')
}
