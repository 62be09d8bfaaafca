import { setImmediate } from 'node:timers/promises'
import { forEachBounded } from '../../async/map-bounded.ts'
import { makeDirectories } from '../../bytes/make-directories.ts'
import { wrapError } from '../../errors/slipway-error.ts'
import type { Stat } from '../../proto/gen/fsutil_pb.ts'
import { directoryTree } from './directory-tree.ts'
import { EntryOrder } from './entry-order.ts'
import { hasContent } from './go-mode.ts'
import type { SyncTree } from './sync-tree.ts'
import { mergeTrees } from './tree-changes.ts'
import { type OpenedFile, TreeWriter } from './tree-writer.ts'

/** How a tree is placed. */
export interface PlaceOptions {
  /** Absolute path of the directory to write into; made if absent. Nobody else may write there meanwhile. */
  readonly dest: string
  /** `mirror` removes what the tree does not have, `merge` keeps it. */
  readonly mode: 'mirror' | 'merge'
  /** Changes an entry before it is written. */
  readonly map?: (stat: Stat) => void
  readonly signal?: AbortSignal | undefined
}

/** Large files that are written at once. */
const parallelFiles = 4
/** Files up to this size (bytes) are written in one go. */
const small = 64 * 1024
/** Small files until others get their turn. */
const turn = 64

/**
 * Writes a tree of this process into a directory: what `sendTree` and `receiveTree` do together, without packets. Throws what
 * walking, reading and writing throw, and `EntryOrder`; after a failure the directory holds a mixture.
 */
export async function placeTree(tree: SyncTree, options: PlaceOptions): Promise<void> {
  const { dest, mode, map, signal } = options
  await makeDirectories(dest, 0o700)
  const writer = new TreeWriter(dest)
  const open = new Set<OpenedFile>()
  try {
    await forEachBounded(
      largeFiles(),
      async ({ file, path }, _, inner) => {
        for await (const chunk of tree.open(path, inner)) await file.write(chunk)
        await file.finish()
        open.delete(file)
      },
      { limit: parallelFiles, signal },
    )
    await writer.finish()
  } finally {
    for (const file of open) await file.abandon().catch(() => {})
  }

  /** Makes all entries but for large files: those it opens, so that further names can be linked to them, and yields. */
  async function* largeFiles(): AsyncGenerator<{ readonly file: OpenedFile; readonly path: string }> {
    const present = mode === 'merge' ? none() : (await directoryTree(dest)).walk(signal)
    let written = 0
    for await (const change of mergeTrees(present, entries(), 'none')) {
      if (change.kind === 'delete') await writer.remove(change.path)
      else if (!hasContent(change.stat.mode) || change.stat.linkname !== '') await writer.make(change.stat)
      else if (change.stat.size > small) {
        const file = await writer.open(change.stat)
        open.add(file)
        yield { file, path: change.path }
      } else {
        const chunks: Uint8Array[] = []
        for await (const chunk of tree.open(change.path, signal)) chunks.push(chunk)
        writer.write(change.stat, chunks)
        if (++written % turn === 0) await setImmediate(undefined, { signal })
      }
    }
  }

  async function* entries(): AsyncGenerator<Stat> {
    const order = new EntryOrder()
    for await (const stat of tree.walk(signal)) {
      check(order, stat)
      map?.(stat)
      yield stat
    }
  }
}

/** In the words of a receiver that is elsewhere. */
function check(order: EntryOrder, stat: Stat): void {
  try {
    order.check(stat)
  } catch (e) {
    throw wrapError('error from receiver', e)
  }
}

async function* none(): AsyncGenerator<Stat> {}
