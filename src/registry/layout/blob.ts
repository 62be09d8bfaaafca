import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDirectories } from '../../bytes/make-directories.ts'
import { throwIfAborted } from '../../async/abort.ts'
import { verify } from '../../bytes/verify.ts'
import { nameWriteError } from '../../bytes/whole-file.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Digest, digestHex } from '../../oci/digest.ts'

const readSize = 256 * 1024

/** Path of a blob. Source: OCI image-spec 1.1 image-layout.md. */
export function blobPath(directory: string, digest: Digest): string {
  return join(directory, 'blobs', 'sha256', digestHex(digest))
}

/** Size of a blob in bytes; undefined where it is not there. */
export async function blobSize(directory: string, digest: Digest): Promise<number | undefined> {
  try {
    const found = await stat(blobPath(directory, digest))
    return found.isFile() ? found.size : undefined
  } catch (error) {
    if (asSlipwayError(error).code === 'not-found') return undefined
    throw error
  }
}

/** Streams a blob, checked against its digest and size. */
export async function* readBlob(
  directory: string,
  descriptor: Descriptor,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  await using file = await openFile(directory, descriptor.digest)
  yield* verify(chunksOf(file, signal), descriptor)
}

/** Whatever lies there may be a pipe or a device: those are not waited for, and not read. */
async function openFile(directory: string, digest: Digest): Promise<FileHandle> {
  let file: FileHandle
  try {
    file = await open(blobPath(directory, digest), constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (asSlipwayError(error).code !== 'not-found') throw error
    throw new SlipwayError('not-found', `content ${digest}: not found`, { cause: error })
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new SlipwayError('invalid-argument', `content ${digest} in ${directory} is not a regular file`)
}

async function* chunksOf(file: FileHandle, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for (;;) {
    throwIfAborted(signal)
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(readSize) })
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** Writes a blob under another name, checks it on the way, and gives it its name at the end. */
export async function writeBlob(
  directory: string,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
  content: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const path = blobPath(directory, descriptor.digest)
  await makeDirectories(dirname(path))
  const temporary = join(directory, `.ingest-${crypto.randomUUID()}`)
  try {
    await using file = await open(temporary, 'wx', 0o644)
    for await (const chunk of verify(content, descriptor)) {
      throwIfAborted(signal)
      await file.writeFile(chunk).catch((e: unknown) => {
        throw nameWriteError(e, path)
      })
    }
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}
