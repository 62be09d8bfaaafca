import { createReadStream } from 'node:fs'
import { decompress } from '../compression/decompress.ts'
import { isSlipwayError } from '../errors/slipway-error.ts'
import type { FileTree, WritableTree } from '../snapshot/tree.ts'
import { filterThrough } from '../sys/filter-process.ts'
import { readTar, type TarMember } from '../tar/read-tar.ts'
import { ArchiveMembers } from './archive-members.ts'
import { makeDirectories } from './copy-tree.ts'
import type { Owner } from './owner.ts'

/** What an archive is unpacked with. */
export interface UnpackContext {
  readonly source: FileTree
  readonly target: WritableTree
  /** Owner of everything that is unpacked; undefined keeps those of the archive. */
  readonly owner: Owner | undefined
  /** Time of the directories that are made above the archive. */
  readonly mtimeNs: bigint | undefined
  readonly signal: AbortSignal
}

/**
 * Unpacks a local archive (tar, plain or packed with gzip, bzip2, xz or zstd) into a directory, as `ADD` does. False where
 * the file is no archive, which is told by its first member. Nothing is read behind the archive's end. Throws `data-loss`
 * for archives that break off and `unimplemented` for members that are no files.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/file/unpack.go
 */
export async function unpackArchive(from: string, to: string, ctx: UnpackContext): Promise<boolean> {
  const real = ctx.source.resolve(from)
  const entry = ctx.source.lstat(real)
  if (entry?.kind !== 'file' || entry.size === 0) return false
  let isArchive = false
  const options = { stopsAtEnd: true, onGlobal: () => void (isArchive = true) }
  const members = readTar(unpackedContent(ctx.source, real, ctx.signal), options)
  const first = await firstMember(members, () => isArchive)
  if (first === undefined && !isArchive) return false
  const base = ctx.target.resolve(to)
  const owner = { uid: ctx.owner?.uid ?? 0, gid: ctx.owner?.gid ?? 0 }
  makeDirectories(ctx.target, base, 0o755, {
    ...owner,
    ...(ctx.mtimeNs === undefined ? {} : { mtimeNs: ctx.mtimeNs }),
  })
  const unpacked = new ArchiveMembers(ctx.target, base, ctx.owner)
  if (first !== undefined) await unpacked.add(first)
  for await (const member of members) {
    ctx.signal.throwIfAborted()
    await unpacked.add(member)
  }
  unpacked.finish()
  return true
}

/** The first member, or undefined where the bytes are no archive at all. */
async function firstMember(
  members: AsyncGenerator<TarMember>,
  isArchive: () => boolean,
): Promise<TarMember | undefined> {
  try {
    const next = await members.next()
    return next.done ? undefined : next.value
  } catch (e) {
    if (isSlipwayError(e) && e.code === 'data-loss' && !isArchive()) return undefined
    throw e
  }
}

/** What a packed file has in it; a file that is not packed as it is. Throws as `decompress`. */
export async function* unpackedContent(
  tree: FileTree,
  path: string,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const stream = createReadStream('', { fd: tree.open(path), highWaterMark: 256 * 1024 })
  try {
    yield* decompress(stream, { signal, filter: filterThrough, faultsInOrder: true })
  } finally {
    stream.destroy()
  }
}
