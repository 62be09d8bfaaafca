import type { Stat } from '../../proto/gen/fsutil_pb.ts'
import { kindOf } from './go-mode.ts'
import { comparePaths } from './sync-tree.ts'

/** One difference between two trees; a deletion takes all below with it. */
export type TreeChange =
  | { readonly kind: 'add' | 'modify'; readonly path: string; readonly stat: Stat }
  | { readonly kind: 'delete'; readonly path: string }

/**
 * What must be done to `present` to make it `wanted`, in path order; both are walks. With `metadata`, entries that agree in
 * kind, mode, owner, device, link, time and size are taken for equal; with `none`, nothing is.
 */
export async function* mergeTrees(
  present: AsyncIterable<Stat>,
  wanted: AsyncIterable<Stat>,
  differ: 'metadata' | 'none',
): AsyncGenerator<TreeChange> {
  const old = present[Symbol.asyncIterator]()
  const changed = new Set<string>()
  /** Below this, what is present has gone with its directory. */
  let removed: string | undefined
  const nextOld = async (): Promise<Stat | undefined> => {
    for (;;) {
      const next = await old.next()
      if (next.done === true) return undefined
      if (removed === undefined || !next.value.path.startsWith(removed)) return next.value
    }
  }
  try {
    let before = await nextOld()
    for await (const stat of wanted) {
      while (before !== undefined && comparePaths(before.path, stat.path) < 0) {
        removed = isDirectory(before) ? `${before.path}/` : removed
        yield { kind: 'delete', path: before.path }
        before = await nextOld()
      }
      const exists = before !== undefined && before.path === stat.path ? before : undefined
      // A name of a file that was replaced must be linked anew, although nothing is to be seen of that on the name.
      const relink = stat.linkname !== '' && kindOf(stat.mode) !== 'symlink' && changed.has(stat.linkname)
      if (exists === undefined || relink || differ === 'none' || !isSame(exists, stat)) {
        if (exists !== undefined && isDirectory(exists) && !isDirectory(stat)) removed = `${exists.path}/`
        if (!isDirectory(stat)) changed.add(stat.path)
        yield { kind: exists === undefined ? 'add' : 'modify', path: stat.path, stat }
      }
      if (exists !== undefined) before = await nextOld()
    }
    while (before !== undefined) {
      removed = isDirectory(before) ? `${before.path}/` : removed
      yield { kind: 'delete', path: before.path }
      before = await nextOld()
    }
  } finally {
    await old.return?.()
  }
}

function isSame(a: Stat, b: Stat): boolean {
  return (
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.devmajor === b.devmajor &&
    a.devminor === b.devminor &&
    a.linkname === b.linkname &&
    a.modTime === b.modTime &&
    (isDirectory(a) || a.size === b.size)
  )
}

function isDirectory(stat: Stat): boolean {
  return kindOf(stat.mode) === 'directory'
}
