import { closeSync, readSync } from 'node:fs'
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
    diffDirectory(from, to, target, '/', signal)
  }
  const layer = await active.commit()
  return { kind: 'stack', layers: [{ kind: 'layer', id: layer.id }] }
}

function diffDirectory(
  from: FileTree,
  to: FileTree,
  target: WritableTree,
  path: string,
  signal: AbortSignal,
): void {
  signal.throwIfAborted()
  const before = new Set(from.lstat(path)?.kind === 'directory' ? from.readdir(path) : [])
  for (const name of to.readdir(path)) {
    const child = path === '/' ? `/${name}` : `${path}/${name}`
    const next = to.lstat(child)
    const last = before.has(name) ? from.lstat(child) : undefined
    before.delete(name)
    if (next === undefined) continue
    if (next.kind === 'directory' && last?.kind === 'directory') {
      if (!sameAttributes(next, last)) target.setAttributes(child, attributes(next))
      diffDirectory(from, to, target, child, signal)
      continue
    }
    if (last !== undefined && sameEntry(from, to, child, last, next)) continue
    if (last !== undefined) target.remove(child)
    copyTree(to, child, target, child, { directoryContents: true, followLinks: false, replace: true, signal })
  }
  for (const name of before) target.remove(path === '/' ? `/${name}` : `${path}/${name}`)
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
