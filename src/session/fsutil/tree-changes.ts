import type { Stat } from '../../proto/gen/fsutil_pb.ts'
import { kindOf } from './go-mode.ts'
import { comparePaths } from './sync-tree.ts'

/** One difference between two trees; a deletion takes all below with it. */
export type TreeChange =
  | { readonly kind: 'add' | 'modify'; readonly path: string; readonly stat: Stat }
  | { readonly kind: 'delete'; readonly path: string }

/**
 * How entries are compared. `metadata`: those that agree in kind, mode, owner, device, link, time and size are taken for
 * equal. `fine-times`: the same, but for files whose time is a whole second: tools that set times set such ones, and two
 * directories may agree in them without having the same files. `none`: nothing is equal.
 */
export type Differ = 'metadata' | 'fine-times' | 'none'

/** What must be done to `present` to make it `wanted`, in path order; both are walks. */
export async function* mergeTrees(
  present: AsyncIterable<Stat>,
  wanted: AsyncIterable<Stat>,
  differ: Differ,
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
      if (exists === undefined || relink || !isSame(exists, stat, differ)) {
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

function isSame(a: Stat, b: Stat, differ: Differ): boolean {
  if (differ === 'none') return false
  if (differ === 'fine-times' && kindOf(b.mode) === 'file' && b.modTime % 1_000_000_000n === 0n) return false
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
