import { nameWriteError } from '../bytes/whole-file.ts'
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { type Digest, digestHex, parseDigest } from '../oci/digest.ts'
import { errnoOf } from '../sys/errno-error.ts'
import type { ProcessIdentity } from '../sys/process-identity.ts'
import { wrongDigest, wrongSize } from './content-error.ts'
import type { BlobWriter, Expected } from './content-store.ts'

/** Folder of blobs that are being written, inside a layout. Readers of layouts do not look there. */
export const ingestFolder = 'ingest'

/** Name of a file being written: it tells whose it is, so that those of dead processes can be swept. */
export function ingestName(owner: ProcessIdentity): string {
  return `${owner.pid}-${owner.startTime}-${randomBytes(8).toString('hex')}`
}

/** A blob being written into the layout at `root`: hashed on the way, renamed to its digest once it is on disk. */
export async function openBlobFile(
  root: string,
  owner: ProcessIdentity,
  expected: Expected,
): Promise<BlobWriter> {
  const folder = join(root, ingestFolder)
  const path = join(folder, ingestName(owner))
  const create = (): Promise<FileHandle> => open(path, 'wx', 0o644)
  try {
    const handle = await create().catch(async error => {
      if (errnoOf(error) !== 'ENOENT') throw error
      await mkdir(folder, { recursive: true })
      return create()
    })
    return new BlobFile(root, path, handle, expected)
  } catch (error) {
    throw wrapError('failed to write to the content store', error)
  }
}

class BlobFile implements BlobWriter {
  readonly #root: string
  readonly #path: string
  readonly #handle: FileHandle
  readonly #expected: Expected
  readonly #hash: Hash = createHash('sha256')
  #size = 0
  #state: 'open' | 'committed' | 'closed' = 'open'

  constructor(root: string, path: string, handle: FileHandle, expected: Expected) {
    this.#root = root
    this.#path = path
    this.#handle = handle
    this.#expected = expected
  }

  async write(chunk: Uint8Array): Promise<void> {
    const { size } = this.#expected
    if (this.#state !== 'open') throw new SlipwayError('internal', 'write to a closed blob')
    if (size !== undefined && this.#size + chunk.length > size)
      throw wrongSize(this.#size + chunk.length, this.#expected)
    this.#hash.update(chunk)
    this.#size += chunk.length
    try {
      for (let at = 0; at < chunk.length; ) at += (await this.#handle.write(chunk, at)).bytesWritten
    } catch (error) {
      throw wrapError('failed to write to the content store', nameWriteError(error, this.#path))
    }
  }

  async commit(): Promise<{ readonly digest: Digest; readonly size: number }> {
    const { size, digest: wanted } = this.#expected
    if (this.#state !== 'open') throw new SlipwayError('internal', 'commit of a closed blob')
    if (size !== undefined && this.#size !== size) throw wrongSize(this.#size, this.#expected)
    const digest = parseDigest(`sha256:${this.#hash.digest('hex')}`)
    if (wanted !== undefined && wanted !== digest) {
      throw wrongDigest(digest, wanted)
    }
    try {
      // Without the sync, a power cut after the rename may leave an empty file under a digest that it does not have.
      await this.#handle.datasync()
      await this.#handle.close()
      this.#state = 'committed'
      await moveInto(this.#path, join(this.#root, 'blobs', 'sha256'), digestHex(digest))
    } catch (error) {
      await rm(this.#path, { force: true }).catch(() => {})
      throw wrapError('failed to write to the content store', error)
    }
    return { digest, size: this.#size }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'closed'
    await this.#handle.close()
    await rm(this.#path, { force: true })
  }
}

/** Renaming over a blob that is there is harmless: the content is the same, and its age starts anew. */
async function moveInto(path: string, folder: string, name: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now)
  await rename(path, join(folder, name)).catch(async error => {
    if (errnoOf(error) !== 'ENOENT') throw error
    await mkdir(folder, { recursive: true })
    await rename(path, join(folder, name))
  })
}
