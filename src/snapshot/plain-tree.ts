import { closeSync, constants, openSync, type PathLike } from 'node:fs'
import { compareNames, fsPath } from '../bytes/path-string.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { openBeneath } from '../sys/open-beneath.ts'
import { getXattrs } from '../sys/xattr.ts'
import { listNames } from './list-names.ts'
import { entryOf, kindOf, readLink, statPath } from './read-entry.ts'
import { resolvePath } from './resolve-path.ts'
import type { Entry, FileTree } from './tree.ts'

/** What is shown of a directory. */
export interface PlainTreeOptions {
  /** Tells whether a path (canonical, `/a/b`) is part of the tree. A directory that is not may still have children that are: then it answers true. */
  readonly shows?: (path: string, isDirectory: boolean) => boolean
  /** Owner of everything, in place of the real one: BuildKit's clients send their files as root's. */
  readonly owner?: { readonly uid: number; readonly gid: number }
}

/**
 * A directory on disk as a tree. It may belong to somebody who changes it meanwhile, so files are opened by a way that
 * a symlink put there at the last moment cannot bend.
 */
export class PlainTree implements FileTree {
  readonly #root: string
  readonly #options: PlainTreeOptions
  #rootFd: number | undefined

  constructor(root: string, options: PlainTreeOptions = {}) {
    this.#root = root.replace(/\/+$/, '')
    this.#options = options
  }

  lstat(path: string): Entry | undefined {
    return this.#entry(this.resolve(path, { followLast: false }))
  }

  resolve(path: string, options: { followLast?: boolean } = {}): string {
    return resolvePath(path, at => this.#look(at), options.followLast ?? true)
  }

  readdir(path: string): readonly string[] {
    const { shows } = this.#options
    const below = path === '/' ? '/' : `${path}/`
    return listNames(this.#real(path))
      .filter(({ name, isDirectory }) => shows?.(below + name, isDirectory) ?? true)
      .map(({ name }) => name)
      .sort(compareNames)
  }

  open(path: string): number {
    this.#rootFd ??= openSync(this.#at('/'), constants.O_RDONLY | constants.O_DIRECTORY)
    const fd = openBeneath(this.#rootFd, path.slice(1), constants.O_RDONLY | constants.O_NONBLOCK)
    return fd ?? openSync(this.#at(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  }

  xattrs(path: string): ReadonlyMap<string, Uint8Array> {
    return getXattrs(this.#real(path))
  }

  realPath(path: string): string {
    if (this.#entry(path) === undefined)
      throw new SlipwayError('not-found', `${path}: no such file or directory`)
    return this.#real(path)
  }

  [Symbol.dispose](): void {
    if (this.#rootFd !== undefined) closeSync(this.#rootFd)
    this.#rootFd = undefined
  }

  #entry(path: string): Entry | undefined {
    const real = this.#real(path)
    const stat = statPath(real)
    if (stat === undefined) return undefined
    const { shows, owner } = this.#options
    if (path !== '/' && shows?.(path, stat.isDirectory()) === false) return undefined
    return owner === undefined ? entryOf(real, stat) : { ...entryOf(real, stat), ...owner }
  }

  /** Symlinks lead on even where they are not shown themselves: filters speak of what is taken, not of the way there. */
  #look(path: string): Pick<Entry, 'kind' | 'linkname'> | undefined {
    const real = this.#real(path)
    const stat = statPath(real)
    if (stat === undefined) return undefined
    const kind = kindOf(stat)
    return kind === 'symlink' ? { kind, linkname: readLink(real) } : { kind }
  }

  #real(path: string): string {
    return path === '/' ? this.#root || '/' : this.#root + path
  }

  #at(path: string): PathLike {
    return fsPath(this.#real(path))
  }
}
