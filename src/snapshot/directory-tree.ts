import { closeSync, constants, openSync } from 'node:fs'
import { compareNames, fsPath } from '../bytes/path-string.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { errnoOf } from '../sys/errno-error.ts'
import { openBeneath } from '../sys/open-beneath.ts'
import { getXattrs } from '../sys/xattr.ts'
import { listOnlyNames } from './list-names.ts'
import { LocalPatterns } from './local-patterns.ts'
import { entryOf, statPath } from './read-entry.ts'
import type { LocalFilter } from './ref.ts'
import { joinPath, resolvePath } from './resolve-path.ts'
import type { Entry, FileTree } from './tree.ts'

/** What is shown of a directory, and how. */
export interface DirectoryTreeOptions {
  /** Which files are part of it. Follow-paths are not looked at: they only say what need not be sent. */
  readonly filter?: LocalFilter
  /** Owner of everything, in place of the real one. */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** What the top directory shows in place of its own attributes; time in nanoseconds since 1970. */
  readonly top?: { readonly mode: number; readonly mtimeNs: bigint }
}

/** More entries than this are not remembered. */
const mostRemembered = 8_000

/**
 * A directory of this machine, read in place, as far as its filter lets it be seen. It may belong to somebody who
 * changes it meanwhile: files are opened by a way that a symlink put there at the last moment cannot bend.
 */
export class DirectoryTree implements FileTree {
  readonly #root: string
  readonly #patterns: LocalPatterns
  readonly #owner: DirectoryTreeOptions['owner']
  readonly #top: DirectoryTreeOptions['top']
  readonly #entries = new Map<string, Entry | undefined>()
  /** Paths of sockets that are shown as empty files. */
  readonly #sockets = new Set<string>()
  #rootFd: number | undefined

  constructor(root: string, options: DirectoryTreeOptions = {}) {
    this.#root = root.replace(/\/+$/, '')
    this.#patterns = new LocalPatterns(
      options.filter ?? { includePatterns: [], excludePatterns: [], followPaths: [] },
    )
    this.#owner = options.owner
    this.#top = options.top
  }

  lstat(path: string): Entry | undefined {
    return this.#entry(this.resolve(path, { followLast: false }))
  }

  resolve(path: string, options: { followLast?: boolean } = {}): string {
    return resolvePath(path, one => this.#entry(one), options.followLast ?? true)
  }

  readdir(path: string): readonly string[] {
    const names = this.#list(path)
    const seen = this.#patterns.letsAllIn
      ? names
      : names.filter(name => this.#entry(joinPath(path, name)) !== undefined)
    return seen.sort(compareNames)
  }

  open(path: string): number {
    if (this.#entry(path) === undefined)
      throw new SlipwayError('not-found', `open ${path}: no such file or directory`)
    if (this.#sockets.has(path)) return openSync('/dev/null', constants.O_RDONLY)
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants
    try {
      this.#rootFd ??= openSync(fsPath(this.realPath('/')), O_RDONLY | O_DIRECTORY)
      // Without O_NONBLOCK a fifo that took the place of a file would hang the thread.
      const fd = openBeneath(this.#rootFd, path.slice(1), O_RDONLY | O_NONBLOCK)
      return fd ?? openSync(fsPath(this.realPath(path)), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    } catch (error) {
      throw this.#readError(error, path)
    }
  }

  xattrs(path: string): ReadonlyMap<string, Uint8Array> {
    const all = getXattrs(this.realPath(path))
    // A receiver of a context loses it: the kernel takes it away when the owner is set.
    return this.#owner === undefined
      ? all
      : new Map([...all].filter(([key]) => key !== 'security.capability'))
  }

  realPath(path: string): string {
    return path === '/' ? this.#root || '/' : this.#root + path
  }

  [Symbol.dispose](): void {
    this.#entries.clear()
    if (this.#rootFd !== undefined) closeSync(this.#rootFd)
    this.#rootFd = undefined
  }

  /** The entry at a canonical path, where the filter shows it. */
  #entry(path: string): Entry | undefined {
    if (this.#entries.has(path)) return this.#entries.get(path)
    const entry = this.#read(path)
    const shown = entry !== undefined && this.#shows(path, entry.kind === 'directory') ? entry : undefined
    if (this.#entries.size >= mostRemembered) this.#entries.clear()
    this.#entries.set(path, shown)
    return shown
  }

  #read(path: string): Entry | undefined {
    const real = this.realPath(path)
    // The directory itself may be reached by a symlink.
    const stat = statPath(path === '/' ? `${real}/` : real)
    if (stat === undefined) return undefined
    const statKey = `${stat.dev}:${stat.ino}:${stat.ctimeNs}:${stat.mtimeNs}`
    const entry = { ...entryOf(real, stat), ...this.#owner, ...(path === '/' ? this.#top : {}), statKey }
    if (entry.kind !== 'socket' || this.#owner === undefined) return entry
    // A receiver of a context gets an empty file.
    this.#sockets.add(path)
    return { ...entry, kind: 'file', size: 0 }
  }

  /** A directory that is not let in is there all the same for what is let in inside it. */
  #shows(path: string, isDirectory: boolean): boolean {
    const verdict = this.#patterns.verdict(path, isDirectory)
    if (verdict !== 'inside') return verdict === 'in'
    return this.#list(path).some(name => this.#entry(joinPath(path, name)) !== undefined)
  }

  #list(path: string): string[] {
    try {
      return listOnlyNames(this.realPath(path))
    } catch (error) {
      throw this.#readError(error, path)
    }
  }

  /** Says what may not be read with its whole path, and what to do. */
  #readError(error: unknown, path: string): unknown {
    const code = errnoOf(error)
    if (code !== 'EACCES' && code !== 'EPERM') return error
    return new SlipwayError('permission-denied', `open ${this.realPath(path)}: permission denied`, {
      cause: error,
      hint:
        path === '/'
          ? 'make the directory readable'
          : 'leave it out with a line in .dockerignore, or make it readable',
    })
  }
}

/**
 * A local source in place. Everything in it belongs to root, as in contexts that clients send; the top directory is not
 * sent but made by the receiver, so it has a receiver's mode, and as its time that of the build (ns since 1970).
 */
export function openDirectoryTree(path: string, filter: LocalFilter, topTimeNs: bigint): FileTree {
  return new DirectoryTree(path, {
    filter,
    owner: { uid: 0, gid: 0 },
    top: { mode: 0o755, mtimeNs: topTimeNs },
  })
}
