import { closeSync, readSync } from 'node:fs'
import { compareNames } from '../bytes/path-string.ts'
import { encodeHeader, endOfArchive, padding } from '../tar/encode-header.ts'
import type { TarEntry, TarType } from '../tar/entry.ts'
import { plainEntry } from '../tar/plain-entry.ts'
import type { Entry, FileTree } from '../snapshot/tree.ts'
import { AddedFiles } from './added-files.ts'
import type { SinkTree } from './client-sink.ts'

const chunkSize = 256 * 1024

const tarTypes: Readonly<Record<Entry['kind'], TarType | undefined>> = {
  file: 'file',
  directory: 'directory',
  symlink: 'symlink',
  fifo: 'fifo',
  char: 'char',
  block: 'block',
  socket: undefined,
}

/**
 * Trees as one uncompressed tar archive, each below its prefix, members sorted by bytes. Of the names of one file the
 * first carries it, the others are hard links to that one; symlinks each stand for themselves. Source: fsutil's tarwriter.go and fs.go.
 */
export async function* treeArchive(
  trees: readonly SinkTree[],
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  for (const one of trees.toSorted((a, b) => compareNames(a.prefix, b.prefix))) {
    const prefix = one.prefix === '' ? '' : `${one.prefix}/`
    if (prefix !== '')
      yield encodeHeader({
        ...plainEntry('directory', prefix, 0o755),
        mtimeNs: BigInt(one.prefixMtimeMs) * 1_000_000n,
      })
    const files = new AddedFiles(one.extra)
    yield* walk(one, { path: '/', prefix, files, links: new Map() }, signal)
    for (const [name, bytes] of files.upTo()) yield* addedFile(`${prefix}${name}`, bytes, one.mtimeMs)
  }
  yield endOfArchive
}

/** A file that is added at the top. */
function* addedFile(name: string, bytes: Uint8Array, mtimeMs: number): Iterable<Uint8Array> {
  const entry = { ...plainEntry('directory', name, 0o755), type: 'file' as const, mode: 0o600 }
  const mtimeNs = BigInt(Math.trunc(mtimeMs / 1000)) * 1_000_000_000n
  yield encodeHeader({ ...entry, size: bytes.length, mtimeNs })
  yield bytes
  yield padding(bytes.length)
}

/** Where a walk is, and what it met on its way. */
interface Walk {
  /** Of the directory in its tree. */
  readonly path: string
  /** Of members, with a slash at its end. */
  readonly prefix: string
  readonly files: AddedFiles
  /** First members of files with several names. */
  readonly links: Map<string, string>
}

async function* walk(one: SinkTree, at: Walk, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const { tree } = one
  const { path, prefix, files, links } = at
  for (const name of tree.readdir(path)) {
    signal.throwIfAborted()
    const child = path === '/' ? `/${name}` : `${path}/${name}`
    for (const [added, bytes] of files.upTo(child.slice(1)))
      yield* addedFile(`${prefix}${added}`, bytes, one.mtimeMs)
    if (files.has(child.slice(1))) continue
    const entry = tree.lstat(child)
    const type = entry === undefined ? undefined : tarTypes[entry.kind]
    if (entry === undefined || type === undefined) continue
    const member = `${prefix}${child.slice(1)}`
    const linkKey = type === 'symlink' ? undefined : entry.hardlinkKey
    const first = linkKey === undefined ? undefined : links.get(linkKey)
    if (first !== undefined) {
      yield encodeHeader({ ...memberOf(member, 'hardlink', entry, tree.xattrs(child)), linkname: first })
      continue
    }
    if (linkKey !== undefined) links.set(linkKey, member)
    yield encodeHeader(memberOf(member, type, entry, tree.xattrs(child)))
    if (type === 'file') yield* content(tree, child, entry.size)
    if (type === 'directory') yield* walk(one, { ...at, path: child }, signal)
  }
}

function memberOf(
  name: string,
  type: TarType,
  entry: Entry,
  xattrs: ReadonlyMap<string, Uint8Array>,
): TarEntry {
  return {
    type,
    name: type === 'directory' ? `${name}/` : name,
    linkname: entry.linkname ?? '',
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: type === 'file' ? entry.size : 0,
    mtimeNs: wholeSeconds(entry.mtimeNs),
    devmajor: entry.devmajor ?? 0,
    devminor: entry.devminor ?? 0,
    xattrs,
  }
}

/** The nearest whole second, as Go's tar writer takes it. */
function wholeSeconds(timeNs: bigint): bigint {
  const second = 1_000_000_000n
  const half = timeNs < 0n ? -second / 2n : second / 2n
  return ((timeNs + half) / second) * second
}

async function* content(tree: FileTree, path: string, size: number): AsyncIterable<Uint8Array> {
  const fd = tree.open(path)
  try {
    for (let left = size; left > 0; ) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkSize, left))
      const n = readSync(fd, chunk)
      if (n === 0) {
        // The file shrank meanwhile: the archive keeps the size that its header says.
        yield Buffer.alloc(left)
        break
      }
      left -= n
      yield chunk.subarray(0, n)
    }
  } finally {
    closeSync(fd)
  }
  const rest = padding(size)
  if (rest.length > 0) yield rest
}
