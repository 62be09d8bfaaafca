import { lstatSync, readlinkSync } from 'node:fs'
import { decodeName, fsPath } from '../../bytes/path-string.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'

/** As many symlinks as the OCI runtimes follow before they give up. */
const mostLinks = 255

/**
 * Where `path` leads inside the tree at `root`: a clean absolute path without symlinks, in which `..` stops at the root
 * and the components that do not exist are kept as they are. The last component is followed too. Only for trees that
 * nobody changes meanwhile. Throws `failed-precondition` where links lead in circles.
 */
export function resolveInRoot(root: string, path: string): string {
  const left = path.split('/').reverse()
  const done: string[] = []
  let links = 0
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      done.pop()
      continue
    }
    const target = linkTarget(`${root}/${[...done, part].join('/')}`)
    if (target === undefined) done.push(part)
    else {
      if (++links > mostLinks) throw new SlipwayError('failed-precondition', `${path}: too many links`)
      if (target.startsWith('/')) done.length = 0
      left.push(...target.split('/').reverse())
    }
  }
  return `/${done.join('/')}`
}

/** Target of a symlink; undefined for anything else and for nothing. */
function linkTarget(path: string): string | undefined {
  try {
    if (!lstatSync(fsPath(path)).isSymbolicLink()) return undefined
    return decodeName(readlinkSync(fsPath(path), 'buffer'))
  } catch {
    return undefined
  }
}
