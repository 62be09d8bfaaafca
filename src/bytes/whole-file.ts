import { randomBytes } from 'node:crypto'
import { constants, open } from 'node:fs'
import { type FileHandle, open as openFile, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import { dirname, resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'

/** How a file is written. */
export interface WholeFileOptions {
  /** @default 0o666 less the umask */
  readonly mode?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Writes a file so that it is there whole or as it was before; symbolic links are followed. What is no regular file (a
 * device such as `/dev/null`, a pipe) is written to and stays what it is. Throws the errors of `node:fs`, and of `data`.
 */
export async function writeWholeFile(
  path: string,
  data: AsyncIterable<Uint8Array> | Iterable<Uint8Array | string>,
  options: WholeFileOptions = {},
): Promise<void> {
  const { mode, signal } = options
  const before = await stat(path).catch(() => undefined)
  const special = before !== undefined && !before.isFile() && !before.isDirectory()
  const target = special ? path : before === undefined ? await followedBy(path) : await realpath(path)
  const file = special ? target : `${target}.${randomBytes(4).toString('hex')}.tmp`
  let handle: FileHandle | undefined
  try {
    // Opened here: a stream that opens its file by itself may do so when all is over.
    if (!before?.isFIFO()) handle = await openFile(file, 'w', mode)
    await pipeline(data, handle?.createWriteStream() ?? (await openPipe(path, signal)), { signal })
    if (!special) await rename(file, target)
  } catch (e) {
    await handle?.close().catch(() => {})
    if (!special) await rm(file, { force: true })
    throw nameWriteError(renamed(e, file, path), path)
  }
}

/** As many links as the kernel follows. */
const mostLinks = 40

/** Where a file will be made: a symbolic link to nothing yet leads there. */
async function followedBy(path: string): Promise<string> {
  let at = path
  for (let links = 0; links < mostLinks; links++) {
    const link = await readlink(at).catch(() => undefined)
    if (link === undefined) return at
    at = resolve(dirname(at), link)
  }
  return path
}

/** A failure of the temporary file is one of the file that was asked for. */
function renamed(error: unknown, from: string, to: string): unknown {
  if (error instanceof Error && 'path' in error && error.path === from) {
    error.message = error.message.replace(from, to)
    Object.assign(error, { path: to })
  }
  return error
}

/** A pipe to write to, once somebody reads it. Opened and written without a thread that would wait for the reader. */
async function openPipe(path: string, signal: AbortSignal | undefined): Promise<Writable> {
  for (;;) {
    try {
      const fd = await promisify(open)(path, constants.O_WRONLY | constants.O_NONBLOCK)
      return new Socket({ fd, readable: false, writable: true })
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'ENXIO') throw e
    }
    await setTimeout(100, undefined, { signal })
  }
}

/** A failed write, which does not know its file, with the name of it; other errors as they are. */
export function nameWriteError(error: unknown, path: string): unknown {
  if (
    error instanceof Error &&
    'syscall' in error &&
    (error.syscall === 'write' || error.syscall === 'copy_file_range') &&
    !('path' in error)
  ) {
    error.message = `${error.message} '${path}'`
    Object.assign(error, { path })
  }
  return error
}
