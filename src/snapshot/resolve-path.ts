import { SlipwayError } from '../errors/slipway-error.ts'
import type { EntryKind } from './tree.ts'

/** As many symlinks as one path may lead through. */
const mostLinks = 255

/** What a canonical path leads to: its kind, and the target where it is a symlink. */
export type Look = (path: string) => { readonly kind: EntryKind; readonly linkname?: string } | undefined

/** The parts of a path: no empty ones, no `.`; `..` is kept. */
export function pathParts(path: string): string[] {
  return path.split('/').filter(part => part !== '' && part !== '.')
}

/** Parent of a canonical path. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

/** Last part of a canonical path. */
export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** A name in a canonical directory. */
export function joinPath(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`
}

/**
 * The canonical form of `path` in the tree that `look` shows: symlinks are followed inside it, absolute ones from its
 * root, and `..` stops there. Parts that do not exist are kept. Throws `failed-precondition` where links go in circles
 * or the way leads through something that is no directory, and `invalid-argument` for names that no file can have.
 */
export function resolvePath(path: string, look: Look, followLast: boolean): string {
  if (path.includes('\0'))
    throw new SlipwayError('invalid-argument', `lstat ${JSON.stringify(path)}: invalid argument`)
  const rest = pathParts(path).reverse()
  let at = '/'
  let links = 0
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    if (part === '..') {
      at = parentOf(at)
      continue
    }
    const next = joinPath(at, part)
    if (rest.length === 0 && !followLast) return next
    const found = look(next)
    if (found?.kind === 'symlink') {
      if (++links > mostLinks) {
        throw new SlipwayError('failed-precondition', 'too many links', { hint: `${path} leads in a circle` })
      }
      const target = found.linkname ?? ''
      if (target.startsWith('/')) at = '/'
      rest.push(...pathParts(target).reverse())
    } else if (found !== undefined && found.kind !== 'directory' && rest.length > 0) {
      throw new SlipwayError('failed-precondition', `lstat ${next}/${rest.at(-1)}: not a directory`)
    } else at = next
  }
  return at
}
