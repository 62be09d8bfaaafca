import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { realpath, rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

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
  const target = before === undefined || special ? path : await realpath(path)
  const file = special ? target : `${target}.${randomBytes(4).toString('hex')}.tmp`
  const writer = createWriteStream(file, mode === undefined ? {} : { mode })
  try {
    await pipeline(data, writer, { signal })
    if (!special) await rename(file, target)
  } catch (e) {
    if (!special) await rm(file, { force: true })
    throw e
  }
}
