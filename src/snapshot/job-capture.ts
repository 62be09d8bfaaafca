import type { JobContext } from '../sys/job-protocol.ts'
import { DirectoryTree } from './directory-tree.ts'
import { LayerTree } from './layer-tree.ts'
import type { OverlayPrefix } from './overlay-xattr.ts'
import { statPath } from './read-entry.ts'
import { joinPath } from './resolve-path.ts'
import { copyFileData } from '../sys/copy-file.ts'
import { closeSync } from 'node:fs'
import type { Entry } from './tree.ts'
import { isUnchanged } from './unchanged.ts'
import { UpperTree } from './upper-tree.ts'

/** A directory that was checked out from `lowers` and changed since, and the upper directory that gets the changes. */
export interface CaptureInput {
  readonly lowers: readonly string[]
  readonly source: string
  readonly upper: string
  readonly overlayPrefix: OverlayPrefix
}

/** Turns what a container did to a copy of its layers into a layer, as overlayfs would have done on the way. */
export function captureChanges(input: CaptureInput, context: Pick<JobContext, 'check'>): null {
  using capture = new Capture(input, context.check)
  capture.directory('/')
  return null
}

class Capture implements Disposable {
  readonly #source: string
  readonly #tree: DirectoryTree
  readonly #below: LayerTree
  readonly #target: UpperTree
  readonly #check: () => void
  readonly #links = new Map<string, string>()

  constructor({ lowers, source, upper, overlayPrefix }: CaptureInput, check: () => void) {
    this.#source = source
    this.#tree = new DirectoryTree(source)
    this.#below = new LayerTree(lowers)
    this.#target = new UpperTree({ upper, lowers, overlayPrefix })
    this.#check = check
  }

  directory(path: string): void {
    const before = new Set(this.#below.parts(path) === undefined ? [] : this.#below.readdir(path))
    for (const name of this.#tree.readdir(path)) {
      this.#check()
      before.delete(name)
      const child = joinPath(path, name)
      const entry = this.#tree.lstat(child)
      if (entry !== undefined) this.#entry(child, entry)
    }
    for (const name of before) this.#target.remove(joinPath(path, name))
  }

  [Symbol.dispose](): void {
    this.#target[Symbol.dispose]()
    this.#tree[Symbol.dispose]()
    this.#below[Symbol.dispose]()
  }

  #entry(path: string, entry: Entry): void {
    const real = this.#source + path
    const stat = statPath(real)
    const below = this.#below.find(path)
    const same = stat !== undefined && below !== undefined && isUnchanged(below, { real, stat })
    if (entry.kind === 'directory') {
      if (below !== undefined && !below.stat.isDirectory()) this.#target.remove(path)
      // Its time is that of what happened to its names.
      if (!same || stat.mtimeNs !== below.stat.mtimeNs)
        this.#target.mkdir(path, this.#attributes(path, entry))
      this.directory(path)
      return
    }
    if (same) return
    if (below !== undefined) this.#target.remove(path)
    this.#write(path, entry)
  }

  #write(path: string, entry: Entry): void {
    const attributes = this.#attributes(path, entry)
    const first = entry.hardlinkKey === undefined ? undefined : this.#links.get(entry.hardlinkKey)
    if (first !== undefined) {
      this.#target.link(path, first)
      return
    }
    if (entry.hardlinkKey !== undefined) this.#links.set(entry.hardlinkKey, path)
    if (entry.kind === 'symlink') this.#target.symlink(path, entry.linkname ?? '', attributes)
    else if (entry.kind === 'file') {
      const fd = this.#tree.open(path)
      try {
        this.#target.writeFile(path, attributes, out => copyFileData(fd, out, entry.size))
      } finally {
        closeSync(fd)
      }
    } else this.#target.mknod(path, entry, attributes)
  }

  #attributes(
    path: string,
    entry: Entry,
  ): { mode: number; uid: number; gid: number; mtimeNs: bigint; xattrs: ReadonlyMap<string, Uint8Array> } {
    const { mode, uid, gid, mtimeNs } = entry
    return { mode, uid, gid, mtimeNs, xattrs: this.#tree.xattrs(path) }
  }
}
