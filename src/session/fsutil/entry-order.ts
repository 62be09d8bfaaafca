import { posix } from 'node:path'
import { compareNames } from '../../bytes/path-string.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { cleanPath } from '../../gostd/pattern-matcher.ts'
import type { Stat } from '../../proto/gen/fsutil_pb.ts'
import { kindOf } from './go-mode.ts'

interface OpenDirectory {
  readonly path: string
  last: string | undefined
}

/**
 * Checks the entries that a peer sends, which decides where bytes are written: clean relative paths in walking order,
 * every parent sent before as a directory, hard links only to files that were sent. Throws `invalid-argument`.
 */
export class EntryOrder {
  readonly #open: OpenDirectory[] = [{ path: '', last: undefined }]
  readonly #files = new Set<string>()

  check(stat: Stat): void {
    const { path } = stat
    if (path === '' || path.includes('\0') || path !== cleanPath(path)) throw bad('unclean path', path)
    if (path.startsWith('/')) throw bad('absolute path', path)
    if (path === '.' || path === '..' || path.startsWith('../')) throw bad('escape check', path)
    this.#checkOrder(path, kindOf(stat.mode) === 'directory')
    this.#checkLink(stat)
  }

  #checkOrder(path: string, isDirectory: boolean): void {
    const dirname = posix.dirname(path)
    const dir = dirname === '.' ? '' : dirname
    while (this.#open.length > 1 && !isAtOrBelow(dir, (this.#open.at(-1) as OpenDirectory).path))
      this.#open.pop()
    const parent = this.#open.at(-1) as OpenDirectory
    const base = posix.basename(path)
    if (parent.path !== dir || (parent.last !== undefined && compareNames(parent.last, base) >= 0)) {
      const before = posix.join(parent.path, parent.last ?? '')
      throw new SlipwayError(
        'invalid-argument',
        `changes out of order: ${JSON.stringify(path)} ${JSON.stringify(before)}`,
      )
    }
    parent.last = base
    if (isDirectory) this.#open.push({ path, last: undefined })
  }

  #checkLink(stat: Stat): void {
    const kind = kindOf(stat.mode)
    if (kind === 'directory' || kind === 'symlink') return
    if (stat.linkname === '') this.#files.add(stat.path)
    else if (!this.#files.has(stat.linkname)) {
      throw new SlipwayError(
        'invalid-argument',
        `invalid link ${stat.path} to unknown path: ${JSON.stringify(stat.linkname)}`,
      )
    }
  }
}

function isAtOrBelow(path: string, dir: string): boolean {
  return path === dir || path.startsWith(`${dir}/`)
}

function bad(what: string, path: string): SlipwayError {
  return new SlipwayError('invalid-argument', `${what} ${path}: invalid argument`)
}
