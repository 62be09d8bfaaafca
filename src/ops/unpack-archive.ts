import { closeSync, createReadStream, ftruncateSync, openSync, writeSync } from 'node:fs'
import { posix } from 'node:path'
import { fsPath } from '../bytes/path-string.ts'
import { decompress } from '../compression/decompress.ts'
import { isSlipwayError } from '../errors/slipway-error.ts'
import type { EntryAttributes, FileTree, WritableTree } from '../snapshot/tree.ts'
import { filterThrough } from '../sys/filter-process.ts'
import type { TarEntry } from '../tar/entry.ts'
import { readTar, type TarMember } from '../tar/read-tar.ts'
import { makeDirectories } from './copy-tree.ts'
import type { Owner } from './owner.ts'

/** What an archive is unpacked with. */
export interface UnpackContext {
  readonly source: FileTree
  readonly target: WritableTree
  /** Owner of everything that is unpacked; undefined keeps those of the archive. */
  readonly owner: Owner | undefined
  readonly mtimeNs: bigint | undefined
  readonly signal: AbortSignal
}

/**
 * Unpacks a local archive (tar, plain or packed with gzip, bzip2, xz or zstd) into a directory, as `ADD` does. False where
 * the file is no archive. Names are taken inside the image's root. Throws `data-loss` for archives that break off.
 */
export async function unpackArchive(from: string, to: string, ctx: UnpackContext): Promise<boolean> {
  const real = ctx.source.resolve(from)
  const entry = ctx.source.lstat(real)
  if (entry?.kind !== 'file' || entry.size === 0) return false
  const members = readTar(unpackedContent(ctx.source, real, ctx.signal))
  const first = await firstMember(members)
  if (first === undefined) return false
  const base = ctx.target.resolve(to)
  makeDirectories(ctx.target, base, 0o755, { uid: ctx.owner?.uid ?? 0, gid: ctx.owner?.gid ?? 0 })
  const times = new Map<string, bigint>()
  await unpackMember(first, base, ctx, times)
  for await (const member of members) await unpackMember(member, base, ctx, times)
  for (const [path, mtimeNs] of times)
    if (ctx.target.lstat(path)?.kind === 'directory') ctx.target.setAttributes(path, { mtimeNs })
  return true
}

/** The first member, or undefined where the bytes are no archive at all. */
async function firstMember(members: AsyncGenerator<TarMember>): Promise<TarMember | undefined> {
  try {
    const next = await members.next()
    return next.done ? undefined : next.value
  } catch (e) {
    if (isSlipwayError(e) && e.code === 'data-loss') return undefined
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
    yield* decompress(stream, { signal, filter: filterThrough })
  } finally {
    stream.destroy()
  }
}

async function unpackMember(
  member: TarMember,
  base: string,
  ctx: UnpackContext,
  times: Map<string, bigint>,
): Promise<void> {
  ctx.signal.throwIfAborted()
  const { entry } = member
  const { target } = ctx
  const name = posix.join('/', entry.name)
  // The archive's own top does not change the directory that it is unpacked in.
  if (name === '/' && entry.type === 'directory') return
  const parent = target.resolve(posix.join(base, posix.dirname(name)))
  const path = name === '/' ? base : posix.join(parent, posix.basename(name))
  if (path !== '/')
    makeDirectories(target, posix.dirname(path), 0o755, {
      uid: ctx.owner?.uid ?? 0,
      gid: ctx.owner?.gid ?? 0,
    })
  const attributes = attributesOf(entry, ctx)
  const there = target.lstat(path)
  if (entry.type === 'directory') {
    if (there !== undefined && there.kind !== 'directory') target.remove(path)
    if (there?.kind === 'directory') target.setAttributes(path, attributes)
    else target.mkdir(path, attributes)
    times.set(path, attributes.mtimeNs ?? entry.mtimeNs)
    return
  }
  if (there !== undefined) target.remove(path)
  switch (entry.type) {
    case 'file':
      return writeContent(member, path, attributes, target)
    case 'hardlink':
      return target.link(
        path,
        target.resolve(posix.join(base, posix.join('/', entry.linkname)), { followLast: false }),
      )
    case 'symlink':
      return target.symlink(path, entry.linkname, attributes)
    case 'char':
    case 'block':
    case 'fifo':
      return target.mknod(
        path,
        { kind: entry.type, devmajor: entry.devmajor, devminor: entry.devminor },
        attributes,
      )
    default:
      return entry.type satisfies never
  }
}

function attributesOf(entry: TarEntry, ctx: UnpackContext): EntryAttributes {
  return {
    mode: entry.mode,
    uid: ctx.owner?.uid ?? entry.uid,
    gid: ctx.owner?.gid ?? entry.gid,
    mtimeNs: ctx.mtimeNs ?? entry.mtimeNs,
    xattrs: entry.xattrs,
  }
}

async function writeContent(
  member: TarMember,
  path: string,
  attributes: EntryAttributes,
  target: WritableTree,
): Promise<void> {
  target.writeFile(path, attributes, fd => ftruncateSync(fd, member.entry.size))
  const fd = openSync(fsPath(target.realPath(path)), 'r+')
  try {
    for await (const { bytes, offset } of member.content) {
      for (let done = 0; done < bytes.length; )
        done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
    }
  } finally {
    closeSync(fd)
  }
  if (attributes.mtimeNs !== undefined) target.setAttributes(path, { mtimeNs: attributes.mtimeNs })
}
