import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import type { Pieces } from '../async/pieces.ts'
import { fsPath } from '../bytes/path-string.ts'
import { nameWriteError } from '../bytes/whole-file.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { mknod } from '../sys/device.ts'
import { setTimes } from '../sys/times.ts'
import { applyToFile, applyToPath, copyEntry } from './apply-attributes.ts'
import { LayerTree } from './layer-tree.ts'
import { copyXattrs, type OverlayPrefix, plainXattrs, setOpaque } from './overlay-xattr.ts'
import { entryOf, statPath } from './read-entry.ts'
import { baseOf, joinPath, parentOf } from './resolve-path.ts'
import type { Entry, EntryAttributes, WritableTree } from './tree.ts'
import { isWhiteout, makeWhiteout } from './whiteout-node.ts'

/** Directories of a tree that can be changed. */
export interface UpperTreeOptions {
  /** Receives the changes. */
  readonly upper: string
  /** Layers below it, lowest first. */
  readonly lowers: readonly string[]
  readonly overlayPrefix: OverlayPrefix
  /**
   * What becomes of the time of a directory in which something is made or removed: `kept` (the default) gives it back,
   * `touched` leaves it as the kernel sets it, which is what steps of a build are to show.
   */
  readonly parentTimes?: 'kept' | 'touched'
}

/** A file that is being written. */
interface NewFile extends Disposable {
  readonly fd: number
  readonly finish: (attributes: EntryAttributes) => void
}

/**
 * A stack of layers with a directory on top that takes the changes, in the form that overlayfs would give them. Nobody
 * else writes there meanwhile. Times of directories that are to be set or kept are set again when the tree is closed.
 */
export class UpperTree implements WritableTree {
  readonly #upper: string
  readonly #tree: LayerTree
  readonly #prefix: OverlayPrefix
  readonly #keepsTimes: boolean
  /** Modification times to give back to directories of the upper layer, by canonical path. */
  readonly #times = new Map<string, bigint>()
  #closed = false

  constructor(options: UpperTreeOptions) {
    this.#upper = options.upper
    this.#tree = new LayerTree([...options.lowers, options.upper])
    this.#prefix = options.overlayPrefix
    this.#keepsTimes = options.parentTimes !== 'touched'
  }

  lstat(path: string): Entry | undefined {
    const entry = this.#tree.lstat(path)
    if (entry?.kind !== 'directory') return entry
    const mtimeNs = this.#times.get(this.#tree.resolve(path, { followLast: false }))
    return mtimeNs === undefined ? entry : { ...entry, mtimeNs }
  }

  resolve(path: string, options: { followLast?: boolean } = {}): string {
    return this.#tree.resolve(path, options)
  }

  readdir(path: string): readonly string[] {
    return this.#tree.readdir(path)
  }

  open(path: string): number {
    return this.#tree.open(path)
  }

  xattrs(path: string): ReadonlyMap<string, Uint8Array> {
    return this.#tree.xattrs(path)
  }

  realPath(path: string): string {
    return this.#tree.realPath(path)
  }

  mkdir(path: string, attributes: EntryAttributes): void {
    if (this.#tree.parts(path) !== undefined) {
      this.setAttributes(path, attributes)
      return
    }
    const { real, hidden } = this.#freePlace(path)
    mkdirSync(fsPath(real), 0o755)
    // What was removed or replaced before must not show through the new directory.
    if (hidden) setOpaque(real, this.#prefix)
    this.#tree.forget(path, true)
    this.#tree.noteEmpty(path)
    applyToPath(real, { mode: 0o755, uid: 0, gid: 0, ...attributes }, 'directory')
    if (attributes.mtimeNs !== undefined) this.#times.set(path, attributes.mtimeNs)
  }

  writeFile(path: string, attributes: EntryAttributes, write: (fd: number) => void): void {
    using file = this.#create(path)
    try {
      write(file.fd)
      file.finish(attributes)
    } catch (error) {
      throw nameWriteError(error, path)
    }
  }

  *writeInPieces(
    path: string,
    attributes: EntryAttributes,
    write: (fd: number) => Pieces<void>,
  ): Pieces<void> {
    using file = this.#create(path)
    try {
      yield* write(file.fd)
      file.finish(attributes)
    } catch (error) {
      throw nameWriteError(error, path)
    }
  }

  /** A new file in the upper layer, which goes away again unless it is finished. */
  #create(path: string): NewFile {
    const kept = this.#keptAttributes(path)
    const { real } = this.#freePlace(path)
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    const fd = openSync(fsPath(real), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    let isWhole = false
    return {
      fd,
      finish: attributes => {
        applyToFile(fd, real, { mode: 0o644, uid: 0, gid: 0, ...kept, ...attributes })
        isWhole = true
      },
      [Symbol.dispose]: () => {
        if (!isWhole) unlinkSync(fsPath(real))
        closeSync(fd)
      },
    }
  }

  symlink(path: string, target: string, attributes: EntryAttributes): void {
    const { real } = this.#freePlace(path)
    symlinkSync(fsPath(target), fsPath(real))
    applyToPath(real, { uid: 0, gid: 0, ...attributes }, 'symlink')
  }

  link(path: string, existing: string): void {
    if (path === existing) return
    const source = this.#copyUp(existing)
    const { real } = this.#freePlace(path)
    linkSync(fsPath(source), fsPath(real))
  }

  mknod(
    path: string,
    entry: Pick<Entry, 'kind' | 'devmajor' | 'devminor'>,
    attributes: EntryAttributes,
  ): void {
    const { kind } = entry
    if (kind === 'file' || kind === 'directory' || kind === 'symlink') {
      throw new SlipwayError('internal', `mknod of a ${kind}`)
    }
    const { real } = this.#freePlace(path)
    mknod(real, kind, 0o600, entry.devmajor, entry.devminor)
    applyToPath(real, { mode: 0o644, uid: 0, gid: 0, ...attributes }, kind)
  }

  setAttributes(path: string, attributes: EntryAttributes): void {
    const real = this.#copyUp(path)
    const { kind } = entryOf(real, statPath(real) ?? this.#gone(path))
    applyToPath(real, attributes, kind)
    if (kind === 'directory' && attributes.mtimeNs !== undefined) this.#times.set(path, attributes.mtimeNs)
  }

  remove(path: string): void {
    if (path === '/') throw new SlipwayError('failed-precondition', 'the root directory cannot be removed')
    if (this.#tree.find(path) === undefined) return
    const below = this.#shownFromBelow(path)
    const real = below ? this.#makeWay(path) : this.#upper + path
    if (!below) this.#changing(parentOf(path))
    this.#clear(path, real)
    if (below) makeWhiteout(real)
  }

  /** Gives directories their times back. */
  [Symbol.dispose](): void {
    if (this.#closed) return
    this.#closed = true
    for (const [path, mtimeNs] of this.#times) {
      const real = this.#upper + path
      if (statPath(real)?.isDirectory()) setTimes(real, mtimeNs, mtimeNs)
    }
    this.#tree[Symbol.dispose]()
  }

  /** Whether the layers below would show something at `path` if the upper one had nothing there. */
  #shownFromBelow(path: string): boolean {
    const upperParent = this.#upper + parentOf(path)
    const parts = this.#tree.parts(parentOf(path)) ?? []
    const lower = parts.filter(part => part !== upperParent && part !== this.#upper)
    for (const part of lower) {
      const real = joinPath(part, baseOf(path))
      const stat = statPath(real)
      if (stat !== undefined) return !isWhiteout(real, stat)
    }
    return false
  }

  /** Makes sure that the parent of `path` is in the upper layer, and answers where `path` belongs there. */
  #makeWay(path: string): string {
    if (path === '/') throw new SlipwayError('failed-precondition', 'the root directory cannot be replaced')
    const parent = parentOf(path)
    this.#directoryUp(parent)
    this.#changing(parent)
    this.#tree.noteName(parent, baseOf(path))
    return this.#upper + path
  }

  /** As `#makeWay`, and removes what the upper layer has there. `hidden`: a directory that comes there must be opaque. */
  #freePlace(path: string): { readonly real: string; readonly hidden: boolean } {
    const maybeThere = this.#tree.mayHave(parentOf(path), baseOf(path))
    const real = this.#makeWay(path)
    return { real, hidden: maybeThere && this.#clear(path, real) }
  }

  /** Removes what the upper layer has at `path`. True where there was something. */
  #clear(path: string, real: string): boolean {
    const stat = statPath(real)
    if (stat === undefined) return false
    if (stat.isDirectory()) {
      rmSync(fsPath(real), { recursive: true })
      this.#tree.forget(path, true)
      const prefix = joinPath(path, '')
      for (const key of this.#times.keys())
        if (key === path || key.startsWith(prefix)) this.#times.delete(key)
    } else unlinkSync(fsPath(real))
    return true
  }

  /** Copies a directory of the tree into the upper layer, with those above it, and notes its time. */
  #directoryUp(path: string): void {
    if (this.#times.has(path)) return
    const real = path === '/' ? this.#upper : this.#upper + path
    if (path !== '/' && statPath(real) === undefined) {
      const found = this.#tree.parts(path)?.[0]
      if (found === undefined) throw new SlipwayError('not-found', `${path}: no such file or directory`)
      this.#directoryUp(parentOf(path))
      mkdirSync(fsPath(real), 0o700)
      const stat = statPath(found) ?? this.#gone(path)
      copyXattrs(found, real)
      lchownSync(fsPath(real), Number(stat.uid), Number(stat.gid))
      chmodSync(fsPath(real), Number(stat.mode & 0o7777n))
      this.#tree.forget(path, false)
      this.#times.set(path, stat.mtimeNs)
    } else this.#keepTime(path)
  }

  /** Told before an entry of a directory of the upper layer comes, goes or is replaced. */
  #changing(path: string): void {
    if (this.#keepsTimes) this.#keepTime(path)
    else this.#times.delete(path)
  }

  #keepTime(path: string): void {
    if (this.#times.has(path)) return
    const stat = statPath(this.#upper + path)
    if (stat === undefined || !stat.isDirectory()) {
      throw new SlipwayError('failed-precondition', `${path}: not a directory`)
    }
    this.#times.set(path, stat.mtimeNs)
  }

  /** Brings what is at `path` into the upper layer, and answers where it is. */
  #copyUp(path: string): string {
    const found = this.#tree.find(path)
    if (found === undefined) throw new SlipwayError('not-found', `${path}: no such file or directory`)
    const real = path === '/' ? this.#upper : this.#upper + path
    if (found.stat.isDirectory()) {
      this.#directoryUp(path)
      return real
    }
    if (found.real === real) return real
    this.#makeWay(path)
    copyEntry(found.real, real)
    return real
  }

  #keptAttributes(path: string): EntryAttributes {
    const found = this.#tree.find(path)
    if (found === undefined || !found.stat.isFile()) return {}
    const { mode, uid, gid } = entryOf(found.real, found.stat)
    return { mode, uid, gid, xattrs: plainXattrs(found.real) }
  }

  #gone(path: string): never {
    throw new SlipwayError('internal', `${path} went away`)
  }
}
