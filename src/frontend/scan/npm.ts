import { type Package, packageUrl } from './package.ts'
import { readText, type ScannedTree } from './scanned-tree.ts'

/** Directories that are no part of an image although they may be in its tree, or hold no packages. */
const skipped: ReadonlySet<string> = new Set(['/proc', '/sys', '/dev', '/run'])

/** Deeper directories are not looked into: a tree is not to be trusted. */
const deepest = 64

/**
 * Packages of npm: every `package.json` that stands in a `node_modules` directory and names itself and its version,
 * whoever put it there. Equal ones count once.
 */
export function npmPackages(tree: ScannedTree): Package[] {
  const found = new Map<string, Package>()
  const walk = (path: string, depth: number): void => {
    if (depth > deepest || skipped.has(path)) return
    for (const { name, kind } of tree.entries(path === '' ? '/' : path)) {
      if (kind !== 'directory') continue
      const below = `${path}/${name}`
      if (name === 'node_modules')
        for (const one of modulesIn(tree, below)) found.set(one.purl, found.get(one.purl) ?? one)
      walk(below, depth + 1)
    }
  }
  walk('', 0)
  return [...found.values()]
}

/** Packages that stand directly in a `node_modules` directory, those of scopes among them. */
function modulesIn(tree: ScannedTree, directory: string): Package[] {
  return tree.entries(directory).flatMap(({ name, kind }) => {
    if (kind !== 'directory' || name.startsWith('.')) return []
    if (name.startsWith('@')) return modulesIn(tree, `${directory}/${name}`)
    return packageAt(tree, `${directory}/${name}/package.json`)
  })
}

function packageAt(tree: ScannedTree, source: string): Package[] {
  const manifest = parse(readText(tree, source))
  const { name, version, license } = manifest
  if (typeof name !== 'string' || typeof version !== 'string' || name === '' || version === '') return []
  const at = name.startsWith('@') ? name.indexOf('/') : -1
  const purl = packageUrl({
    type: 'npm',
    namespace: at < 0 ? undefined : name.slice(0, at),
    name: name.slice(at + 1),
    version,
  })
  const stated = typeof license === 'string' ? license : ''
  return [{ type: 'npm', name, version, purl, license: stated, supplier: '', source }]
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
