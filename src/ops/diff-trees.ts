import { closeSync, readSync } from 'node:fs'
import { inPieces, type Pieces } from '../async/pieces.ts'
import type { StackRef } from '../snapshot/ref.ts'
import type { Entry, FileTree, WritableTree } from '../snapshot/tree.ts'
import type { OpContext } from '../solver/op.ts'
import { copyTree } from './copy-tree.ts'
import type { Trees } from './trees.ts'

/**
 * A layer that turns one tree into another: what is new or different is copied, what is gone is removed. Files are equal
 * when their attributes, time and data are.
 */
export async function diffTrees(
  lower: StackRef,
  upper: StackRef,
  trees: Trees,
  ctx: OpContext,
): Promise<StackRef> {
  const { signal } = ctx
  await using active = await trees.prepare(lower, { description: ctx.name, signal })
  using from = await trees.view(lower, signal)
  using to = await trees.view(upper, signal)
  {
    using target = trees.writable(active)
    await inPieces(new TreeDiff(from, to, target).directory('/'), signal)
  }
  const layer = await active.commit()
  return { kind: 'stack', layers: [{ kind: 'layer', id: layer.id }] }
}

class TreeDiff {
  readonly #from: FileTree
  readonly #to: FileTree
  readonly #target: WritableTree
  /** Where the first name of a file with several was copied to. */
  readonly #links = new Map<string, string>()

  constructor(from: FileTree, to: FileTree, target: WritableTree) {
    this.#from = from
    this.#to = to
    this.#target = target
  }

  *directory(path: string): Pieces<void> {
    const before = new Set(this.#from.lstat(path)?.kind === 'directory' ? this.#from.readdir(path) : [])
    const childOf = (name: string): string => (path === '/' ? `/${name}` : `${path}/${name}`)
    for (const name of this.#to.readdir(path)) {
      const child = childOf(name)
      const next = this.#to.lstat(child)
      const last = before.has(name) ? this.#from.lstat(child) : undefined
      before.delete(name)
      yield
      if (next !== undefined) yield* this.#entry(child, last, next)
    }
    for (const name of before) this.#target.remove(childOf(name))
  }

  *#entry(path: string, last: Entry | undefined, next: Entry): Pieces<void> {
    if (next.kind === 'directory') {
      if (last?.kind !== 'directory') {
        if (last !== undefined) this.#target.remove(path)
        this.#target.mkdir(path, { ...attributes(next), xattrs: this.#to.xattrs(path) })
      } else if (!sameAttributes(next, last)) this.#target.setAttributes(path, attributes(next))
      yield* this.directory(path)
      return
    }
    if (last !== undefined && sameEntry(this.#from, this.#to, path, last, next)) return
    if (last !== undefined) this.#target.remove(path)
    const { hardlinkKey } = next
    const first = hardlinkKey === undefined ? undefined : this.#links.get(hardlinkKey)
    if (first !== undefined) {
      this.#target.link(path, first)
      return
    }
    const options = { directoryContents: true, followLinks: false, replace: true }
    yield* copyTree(this.#to, path, this.#target, path, options)
    if (hardlinkKey !== undefined) this.#links.set(hardlinkKey, path)
  }
}

const attributes = (entry: Entry): Pick<Entry, 'mode' | 'uid' | 'gid' | 'mtimeNs'> => ({
  mode: entry.mode,
  uid: entry.uid,
  gid: entry.gid,
  mtimeNs: entry.mtimeNs,
})

function sameAttributes(a: Entry, b: Entry): boolean {
  return a.kind === b.kind && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid
}

function sameEntry(from: FileTree, to: FileTree, path: string, a: Entry, b: Entry): boolean {
  if (!sameAttributes(a, b) || a.size !== b.size || a.linkname !== b.linkname) return false
  if (a.devmajor !== b.devmajor || a.devminor !== b.devminor) return false
  if (a.kind !== 'file') return true
  return a.mtimeNs === b.mtimeNs && sameData(from, to, path)
}

function sameData(from: FileTree, to: FileTree, path: string): boolean {
  const a = from.open(path)
  const b = to.open(path)
  const left = Buffer.allocUnsafe(65_536)
  const right = Buffer.allocUnsafe(65_536)
  try {
    for (;;) {
      const n = readSync(a, left)
      if (readSync(b, right) !== n) return false
      if (n === 0) return true
      if (!left.subarray(0, n).equals(right.subarray(0, n))) return false
    }
  } finally {
    closeSync(a)
    closeSync(b)
  }
}
