import { lstat, readdir, readlink } from 'node:fs/promises'
import { posix } from 'node:path'
import { compareNames, decodeName, fsPath } from '../../bytes/path-string.ts'
import { filepathMatch } from '../../gostd/filepath-match.ts'

/**
 * Include patterns for paths that will be read from a directory: the paths themselves and, where a part of one is a
 * symlink, the link and what it leads to, kept inside the directory. The last part may have wildcards; they match links
 * by name. Sorted, without paths below others; undefined when one is the directory itself, so that everything counts.
 * Behaviour: https://github.com/tonistiigi/fsutil/blob/6d9dc2ebad62/followlinks.go
 */
export async function followLinks(root: string, paths: readonly string[]): Promise<string[] | undefined> {
  const resolved = new Set<string>()
  for (const path of paths) await follow(root, path, resolved)
  return withoutNested([...resolved].sort(compareNames))
}

/** Leaves out paths below ones that are there already; the list must be sorted. Undefined when `.` is among them. */
export function withoutNested(paths: readonly string[]): string[] | undefined {
  const kept: string[] = []
  for (const path of paths) {
    if (path === '.') return undefined
    if (!path.startsWith(`${kept.at(-1) ?? ''}/`)) kept.push(path)
  }
  return kept
}

async function follow(root: string, path: string, resolved: Set<string>): Promise<void> {
  const parts = inside(path).split('/')
  let current = '.'
  for (const [i, part] of parts.entries()) {
    current = posix.join(current, part)
    const targets = await linkTargets(root, current)
    const last = i === parts.length - 1
    if ((last || targets.length > 0) && resolved.has(current)) return
    if (targets.length > 0) {
      resolved.add(current)
      const rest = parts.slice(i + 1).join('/')
      for (const target of targets) await follow(root, posix.join(target, rest), resolved)
      return
    }
    if (last) resolved.add(current)
  }
}

/** A path clamped to the root and relative to it. */
function inside(path: string): string {
  const absolute = posix.join('/', path)
  return absolute === '/' ? '.' : absolute.slice(1).replace(/\/$/, '')
}

async function linkTargets(root: string, path: string): Promise<string[]> {
  const base = posix.basename(path)
  if (!hasWildcard(base)) return await linkTarget(root, path)
  const dir = posix.dirname(path)
  const targets: string[] = []
  for (const name of await names(posix.join(root, dir))) {
    if (matches(base, name)) targets.push(...(await linkTarget(root, posix.join(dir, name))))
  }
  return targets
}

async function linkTarget(root: string, path: string): Promise<string[]> {
  if (path === '.') return []
  const full = fsPath(posix.join(root, path))
  try {
    if (!(await lstat(full)).isSymbolicLink()) return []
    const link = decodeName(await readlink(full, { encoding: 'buffer' }))
    return [posix.isAbsolute(link) ? link : posix.join('/', posix.dirname(path), link)]
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function names(dir: string): Promise<string[]> {
  try {
    return (await readdir(fsPath(dir), { encoding: 'buffer' }))
      .map(name => decodeName(name))
      .sort(compareNames)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Whether an error says that there is no such path. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

function hasWildcard(name: string): boolean {
  return /[*?[]/.test(name.replace(/\\[^]/g, ''))
}

function matches(pattern: string, name: string): boolean {
  try {
    return filepathMatch(pattern, name)
  } catch {
    return false
  }
}
