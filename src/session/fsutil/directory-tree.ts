import { constants } from 'node:fs'
import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../../async/abort.ts'
import { compareNames, decodeName, fsPath } from '../../bytes/path-string.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Stat } from '../../proto/gen/fsutil_pb.ts'
import { followLinks, isMissing, withoutNested } from './follow-links.ts'
import { kindOf } from './go-mode.ts'
import { compileFilter, type FilterState, type PathFilter, type TreeFilter } from './path-filter.ts'
import { type StatEntry, statEntry } from './stat-entry.ts'
import type { SyncTree } from './sync-tree.ts'

/** How a directory is sent. */
export interface DirectoryOptions extends TreeFilter {
  /** Changes an entry before it is sent, or leaves it out (false). A directory that is left out may still be looked into. */
  readonly map?: (stat: Stat) => boolean
}

/** Bytes that are read at once: with what is put around them they fit a power of two, to which encoders round up. */
const chunkSize = 64 * 1024 - 64
/** Chunks up to this size are copied, so that thousands of small files share one buffer (half of the time went to GC). */
const smallChunk = 32 * 1024
/** Entries of a directory that are looked at together. */
const batch = 64

/**
 * A directory of this machine as a tree to send. Symlinks inside are sent as such, the root itself is followed. Entries
 * that vanish meanwhile are left out. Throws `not-found`, `invalid-argument` (patterns).
 */
export async function directoryTree(dir: string, options: DirectoryOptions = {}): Promise<SyncTree> {
  const root = await realpath(dir)
  if (!(await stat(root)).isDirectory())
    throw new SlipwayError('invalid-argument', `stat ${dir}: not a directory`)
  const filter = compileFilter(await includePatterns(root, options), options.excludePatterns ?? [])
  const buffers: Buffer[] = []
  return {
    walk: signal => walk(root, filter, options.map, signal),
    open: (path, signal) => readFile(join(root, path), buffers, signal),
  }
}

async function includePatterns(root: string, options: TreeFilter): Promise<readonly string[]> {
  const given = options.includePatterns ?? []
  if (options.followPaths === undefined || options.followPaths.length === 0) return given
  const followed = await followLinks(root, options.followPaths)
  return followed === undefined ? given : (withoutNested([...given, ...followed]) ?? [])
}

interface Child {
  readonly path: string
  readonly keep: boolean
  readonly descend: boolean
  readonly state: FilterState
}

interface Frame {
  readonly path: string
  readonly state: FilterState | undefined
  readonly children: readonly Child[]
  next: number
  /** Looked at ahead: entries of `children` from `next` on that are to be sent. */
  readonly ahead: Map<string, StatEntry | undefined>
  /** The directory is not among what was sent yet; it goes before the first of its entries. */
  owed: boolean
}

async function* walk(
  root: string,
  filter: PathFilter,
  map: DirectoryOptions['map'],
  signal: AbortSignal | undefined,
): AsyncGenerator<Stat> {
  const names = new Map<string, string>()
  const frames: Frame[] = [await openFrame(root, '', undefined, filter, false)]
  while (frames.length > 0) {
    throwIfAborted(signal)
    const frame = frames.at(-1) as Frame
    const child = frame.children[frame.next]
    if (child === undefined) {
      frames.pop()
      continue
    }
    if (child.keep) {
      if (!frame.ahead.has(child.path)) await lookAhead(root, frame)
      const entry = frame.ahead.get(child.path)
      frame.ahead.delete(child.path)
      if (entry === undefined) {
        frame.next++
        continue
      }
      if (map === undefined || map(entry.stat)) {
        if (!(yield* owedParents(root, frames, map))) {
          frame.next++
          continue
        }
        yield named(entry, names)
      }
      // It was a directory when it was listed.
      if (child.descend && kindOf(entry.stat.mode) !== 'directory') {
        frame.next++
        continue
      }
    }
    frame.next++
    if (child.descend) frames.push(await openFrame(root, child.path, child.state, filter, !child.keep))
  }
}

async function openFrame(
  root: string,
  path: string,
  state: FilterState | undefined,
  filter: PathFilter,
  owed: boolean,
): Promise<Frame> {
  const frame = { path, state, next: 0, ahead: new Map(), owed }
  try {
    const children: Child[] = []
    for (const [name, isDirectory] of await sortedNames(join(root, path))) {
      const childPath = path === '' ? name : `${path}/${name}`
      const verdict = filter(childPath, isDirectory, state)
      if (verdict.keep || verdict.descend) children.push({ path: childPath, ...verdict })
    }
    return { ...frame, children }
  } catch (error) {
    // A directory that is only passed through need not be readable: what is wanted may lie elsewhere.
    const unread = error instanceof Error && 'code' in error && error.code === 'EACCES' && owed
    if (isMissing(error) || unread) return { ...frame, children: [] }
    throw readError('open', join(root, path), error, path === '')
  }
}

/** What a directory holds, and which are directories, in the order of their bytes. */
async function sortedNames(directory: string): Promise<readonly (readonly [string, boolean])[]> {
  const where = fsPath(directory)
  const entries = await readdir(where, { withFileTypes: true })
  // U+FFFD stands for bytes that are not UTF-8 (or for itself, rarely): only then the raw names are worth their price.
  const named = entries.some(entry => entry.name.includes('\ufffd'))
    ? (await readdir(where, { encoding: 'buffer', withFileTypes: true })).map(
        entry => [decodeName(entry.name), entry.isDirectory()] as const,
      )
    : entries.map(entry => [entry.name, entry.isDirectory()] as const)
  return named.sort(([a], [b]) => compareNames(a, b))
}

async function lookAhead(root: string, frame: Frame): Promise<void> {
  const wanted = frame.children.slice(frame.next, frame.next + batch).filter(child => child.keep)
  const found = await Promise.all(wanted.map(child => tryStat(root, child.path)))
  for (const [i, child] of wanted.entries()) frame.ahead.set(child.path, found[i])
}

async function tryStat(root: string, path: string): Promise<StatEntry | undefined> {
  try {
    return await statEntry(join(root, path), path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw readError('lstat', join(root, path), error)
  }
}

/** Sends the directories on the way that wait for something in them; false where one is no directory any more. */
async function* owedParents(
  root: string,
  frames: readonly Frame[],
  map: DirectoryOptions['map'],
): AsyncGenerator<Stat, boolean> {
  for (const frame of frames) {
    if (!frame.owed) continue
    const entry = await tryStat(root, frame.path)
    if (entry === undefined || kindOf(entry.stat.mode) !== 'directory') return false
    frame.owed = false
    if (map === undefined || map(entry.stat)) yield entry.stat
  }
  return true
}

/** The entry, as a link to the first name that was sent if there was one. */
function named(entry: StatEntry, names: Map<string, string>): Stat {
  if (entry.inode === undefined) return entry.stat
  const first = names.get(entry.inode)
  if (first === undefined) names.set(entry.inode, entry.stat.path)
  else entry.stat.linkname = first
  return entry.stat
}

/** What opening a file answers that became something else after it was listed. */
const replaced = new Set(['ELOOP', 'ENXIO', 'ENODEV', 'EISDIR'])

/**
 * Opens a file that was listed as one; undefined where something else has taken its place. A symlink is not followed, and
 * a fifo must not hang the thread.
 */
async function openFile(full: string): Promise<FileHandle | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  let file: FileHandle
  try {
    file = await open(fsPath(full), O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0))
  } catch (error) {
    if (error instanceof Error && 'code' in error && replaced.has(String(error.code))) return undefined
    throw readError('open', full, error)
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  return undefined
}

async function* readFile(
  full: string,
  buffers: Buffer[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const file = await openFile(full)
  if (file === undefined) return
  try {
    for (;;) {
      throwIfAborted(signal)
      const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(chunkSize)
      const { bytesRead } = await file.read(buffer, 0, chunkSize)
      const chunk = buffer.subarray(0, bytesRead)
      if (bytesRead > smallChunk) yield chunk
      else {
        const copy = new Uint8Array(chunk)
        buffers.push(buffer)
        if (bytesRead === 0) return
        yield copy
      }
    }
  } finally {
    await file.close()
  }
}

/** What to do about a file that may not be read. */
const unreadableHint = 'leave it out with a line in .dockerignore, or make it readable'

/** A system error in Go's words: `open /x: permission denied`. */
function readError(what: string, path: string, cause: unknown, isTop = false): unknown {
  if (!(cause instanceof Error && 'code' in cause)) return cause
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new SlipwayError('permission-denied', `${what} ${path}: permission denied`, {
      cause,
      hint: isTop ? 'make the directory readable' : unreadableHint,
    })
  }
  return cause
}
