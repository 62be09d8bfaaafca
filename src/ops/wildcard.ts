import { posix } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { filepathMatch } from '../gostd/filepath-match.ts'
import type { FileTree } from '../snapshot/tree.ts'

/** Whether a path has `*`, `?` or `[` that no backslash takes the meaning from. */
export function containsWildcards(path: string): boolean {
  for (let i = 0; i < path.length; i++) {
    const char = path[i]
    if (char === '\\') i++
    else if (char === '*' || char === '?' || char === '[') return true
  }
  return false
}

/** Divides a path before the first component with a wildcard: `/a/b?/c` is `/a` and `b?/c`. */
export function splitWildcards(path: string): { readonly fixed: string; readonly pattern: string } {
  const parts = posix.join('/', path).split('/').slice(1)
  const at = parts.findIndex(containsWildcards)
  if (at < 0) return { fixed: posix.join('/', path), pattern: '' }
  return { fixed: `/${parts.slice(0, at).join('/')}`, pattern: parts.slice(at).join('/') }
}

/**
 * Paths in `tree` that a path with wildcards stands for, sorted by bytes. What a directory contains is not looked at once
 * the directory itself has matched. A path without wildcards stands for itself, whether it is there or not; one with them
 * may match nothing, but throws `not-found` where the part before them is not there.
 */
export function resolveWildcards(tree: FileTree, path: string, followLinks: boolean): readonly string[] {
  const { fixed, pattern } = splitWildcards(path)
  if (pattern === '') return [fixed]
  const base = tree.resolve(fixed, { followLast: followLinks })
  const found: string[] = []
  const depth = pattern.split('/').length
  const walk = (directory: string, relative: string, level: number): void => {
    for (const name of tree.readdir(directory)) {
      const child = directory === '/' ? `/${name}` : `${directory}/${name}`
      const candidate = relative === '' ? name : `${relative}/${name}`
      if (filepathMatch(pattern, candidate)) found.push(child)
      else if (level < depth && tree.lstat(child)?.kind === 'directory') walk(child, candidate, level + 1)
    }
  }
  const entry = tree.lstat(base)
  if (entry === undefined) throw new SlipwayError('not-found', `lstat ${base}: no such file or directory`)
  if (entry.kind === 'directory') walk(base, '', 1)
  return found
}
