import { create } from '@bufbuild/protobuf'
import { closeSync, read, readSync } from 'node:fs'
import { posix } from 'node:path'
import { promisify } from 'node:util'
import { compareNames } from '../bytes/path-string.ts'
import { AddedFiles } from '../exporter/added-files.ts'
import type { SinkTree } from '../exporter/client-sink.ts'
import { type Stat, StatSchema } from '../proto/gen/fsutil_pb.ts'
import { contentSize, packet, packetSize } from '../session/fsutil/packets.ts'
import { comparePaths, type SyncTree } from '../session/fsutil/sync-tree.ts'
import { statMessage } from './stat-message.ts'

/** A file that may be asked for: its tree, its path there, its number among the entries of that tree. */
interface Source {
  readonly one: SinkTree
  readonly path: string
  readonly id: number
  /** Bytes. */
  readonly size: number
}

/**
 * Trees of an export as one tree to send: each below its prefix, with the files that are added to it. Reports bytes as if each
 * were sent on its own.
 */
export function sinkSyncTree(
  trees: readonly SinkTree[],
  report: (label: string, bytes: number, done: boolean) => void,
): SyncTree {
  const sources = new Map<string, Source>()
  const sent = new Map<string, number>()
  const count = (one: SinkTree, bytes: number): void => {
    const total = (sent.get(one.label) ?? 0) + bytes
    sent.set(one.label, total)
    report(one.label, total, false)
  }
  return {
    async *walk(signal) {
      const counted = (one: SinkTree) => (stat: Stat) => count(one, packetSize(packet.stat(stat)))
      yield* merged(trees.map(one => wholeTree(one, signal, sources, counted(one))))
      for (const one of trees) report(one.label, sent.get(one.label) ?? 0, true)
    },
    async *open(path) {
      const source = sources.get(path)
      if (source === undefined) return
      const extra = source.one.extra.get(source.path)
      if (extra !== undefined) {
        count(source.one, contentSize(source.id, extra.length))
        yield extra
        return
      }
      for await (const chunk of contentOf(source)) {
        count(source.one, contentSize(source.id, chunk.length))
        yield chunk
      }
    },
  }
}

/** Several walks as one, in path order; a directory that is in more than one is there once. */
async function* merged(walks: readonly AsyncIterable<Stat>[]): AsyncIterable<Stat> {
  const open = await Promise.all(
    walks.map(async walk => {
      const iterator = walk[Symbol.asyncIterator]()
      return { iterator, at: await iterator.next() }
    }),
  )
  for (let last: string | undefined; ; ) {
    const waiting = open.flatMap(one => (one.at.done ? [] : [{ one, stat: one.at.value }]))
    const [first] = waiting.sort((a, b) => comparePaths(a.stat.path, b.stat.path))
    if (first === undefined) return
    if (first.stat.path !== last) yield first.stat
    last = first.stat.path
    first.one.at = await first.one.iterator.next()
  }
}

/** A tree below its prefix, with the directory of that name. */
async function* wholeTree(
  one: SinkTree,
  signal: AbortSignal | undefined,
  sources: Map<string, Source>,
  count: (stat: Stat) => void,
): AsyncIterable<Stat> {
  let id = 0
  const next = (): number => id++
  if (one.prefix !== '') {
    const top = directoryStat(one.prefix, one.prefixMtimeMs)
    count(top)
    next()
    yield top
  }
  for await (const stat of walkTree(one, signal, sources, next)) {
    count(stat)
    yield stat
  }
}

/** Bytes that are read at once. */
const chunkSize = 256 * 1024

async function* contentOf({ one, path, size }: Source): AsyncIterable<Uint8Array> {
  const fd = one.tree.open(path)
  try {
    for (let at = 0; at < size; ) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkSize, size - at))
      // What is small is read in less time than another thread is told of it.
      const length =
        size <= chunkSize ? readSync(fd, chunk) : (await readAsync(fd, { buffer: chunk })).bytesRead
      if (length === 0) return
      at += length
      yield chunk.subarray(0, length)
    }
  } finally {
    closeSync(fd)
  }
}

const readAsync = promisify(read)

function directoryStat(path: string, mtimeMs: number): Stat {
  return create(
    StatSchema,
    statMessage({
      path,
      kind: 'directory',
      mode: 0o755,
      uid: 0,
      gid: 0,
      size: 0,
      mtimeNs: BigInt(Math.round(mtimeMs)) * 1_000_000n,
    }),
  )
}

/** Entries of one tree and its added files, in path order. */
async function* walkTree(
  one: SinkTree,
  signal: AbortSignal | undefined,
  sources: Map<string, Source>,
  nextId: () => number,
): AsyncIterable<Stat> {
  const links = new Map<string, string>()
  const files = new AddedFiles(one.extra)
  const inPrefix = (path: string): string => (one.prefix === '' ? path : `${one.prefix}/${path}`)
  const added = function* (before?: string): Iterable<Stat> {
    for (const [name, bytes] of files.upTo(before)) {
      const path = inPrefix(name)
      const size = bytes.length
      sources.set(path, { one, path: name, id: nextId(), size })
      const mtimeNs = BigInt(Math.round(one.mtimeMs)) * 1_000_000n
      yield create(
        StatSchema,
        statMessage({ path, kind: 'file', mode: 0o600, uid: 0, gid: 0, size, mtimeNs }),
      )
    }
  }
  const visit = function* (directory: string): Iterable<Stat> {
    const names = [...one.tree.readdir(directory)].sort(compareNames)
    for (const name of names) {
      signal?.throwIfAborted()
      const child = posix.join(directory, name)
      const path = inPrefix(child.slice(1))
      yield* added(child.slice(1))
      if (files.has(child.slice(1))) continue
      const entry = one.tree.lstat(child)
      if (entry === undefined) continue
      const id = nextId()
      const first = entry.hardlinkKey === undefined ? undefined : links.get(entry.hardlinkKey)
      if (first !== undefined) {
        yield create(StatSchema, statMessage({ ...entry, path, linkname: first }))
        continue
      }
      if (entry.hardlinkKey !== undefined) links.set(entry.hardlinkKey, path)
      sources.set(path, { one, path: child, id, size: entry.size })
      yield create(StatSchema, {
        ...statMessage({ ...entry, path }),
        xattrs: Object.fromEntries(one.tree.xattrs(child)),
      })
      if (entry.kind === 'directory') yield* visit(child)
    }
  }
  yield* visit('/')
  yield* added()
}
