import { constants } from 'node:fs'
import {
  access,
  type FileHandle,
  open,
  opendir,
  readdir,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../async/abort.ts'
import { isSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { type Digest, digestHex, isDigest, parseDigest } from '../oci/digest.ts'
import { errnoOf } from '../sys/errno-error.ts'
import { makeDirectories } from '../bytes/make-directories.ts'
import { isAlive, type ProcessIdentity, processIdentity } from '../sys/process-identity.ts'
import { ingestFolder, openBlobFile } from './blob-file.ts'
import { blobNotFound, blobTooLarge } from './content-error.ts'
import type { BlobWriter, ContentStore, Expected } from './content-store.ts'
import { readVerified, verifyBytes } from './verified-read.ts'

const chunkSize = 256 * 1024
const defaultLimit = 8 << 20

/** How a layout is used. */
export interface LayoutOptions {
  /**
   * Blobs that somebody asks for count as new, so that they are not collected the next moment. Only for stores that
   * collect: other layouts are left as they are. @default false
   */
  readonly keepYoung?: boolean
  /**
   * Blobs that turn out to be damaged are removed, so that they are made or fetched anew. Only for stores that are no
   * more than a cache: in other layouts nothing is removed. @default false
   */
  readonly removeDamaged?: boolean
}

const touchAfterMs = 60_000

/** Content of the file that makes a directory an OCI layout. Source: OCI image-spec 1.1 image-layout.md. */
export const layoutMark = '{"imageLayoutVersion":"1.0.0"}'

/**
 * Makes `root` an OCI layout where it is none yet, and answers its content store. Throws `failed-precondition` on a
 * read-only file system, `permission-denied`, `resource-exhausted` on a full disk.
 */
export async function createLayout(root: string, options: LayoutOptions = {}): Promise<LayoutStore> {
  try {
    await makeDirectories(join(root, 'blobs', 'sha256'))
    await makeDirectories(join(root, ingestFolder))
    await writeFile(join(root, 'oci-layout'), layoutMark, { flag: 'wx' }).catch(unlessThere)
    await writeFile(join(root, 'index.json'), emptyIndex, { flag: 'wx' }).catch(unlessThere)
  } catch (error) {
    throw wrapError(`failed to create the content store ${root}`, error)
  }
  return new LayoutStore(root, options)
}

const emptyIndex = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'

function unlessThere(error: unknown): void {
  if (errnoOf(error) !== 'EEXIST') throw error
}

/**
 * Blobs in an OCI layout directory. Any number of processes may use it at once: a blob appears by a rename, whole, and
 * never changes. A killed process leaves a file in `ingest` behind, which `sweep` removes.
 */
export class LayoutStore implements ContentStore {
  readonly root: string
  readonly #owner: ProcessIdentity
  readonly #keepYoung: boolean
  readonly #removeDamaged: boolean

  constructor(root: string, options: LayoutOptions = {}) {
    this.root = root
    this.#keepYoung = options.keepYoung ?? false
    this.#removeDamaged = options.removeDamaged ?? false
    this.#owner = processIdentity() ?? { pid: process.pid, startTime: 0, bootId: '' }
  }

  path(digest: Digest): string {
    return join(this.root, 'blobs', 'sha256', digestHex(digest))
  }

  async size(digest: Digest): Promise<number | undefined> {
    try {
      const path = this.path(digest)
      const { size, mtimeMs } = await stat(path)
      if (this.#keepYoung && Date.now() - mtimeMs > touchAfterMs) {
        const now = new Date()
        await utimes(path, now, now).catch(() => {})
      }
      return size
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw wrapError(`failed to read ${digest}`, error)
    }
  }

  async *read(
    digest: Digest,
    options: { offset?: number; length?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    await using handle = await this.#open(digest)
    if ((options.offset ?? 0) === 0 && options.length === undefined) {
      yield* this.#mending(handle, digest, readVerified(handle, digest, options.signal))
      return
    }
    let at = options.offset ?? 0
    let left = options.length ?? Number.POSITIVE_INFINITY
    while (left > 0) {
      throwIfAborted(options.signal)
      const chunk = Buffer.allocUnsafeSlow(Math.min(chunkSize, left))
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, at)
      if (bytesRead === 0) return
      at += bytesRead
      left -= bytesRead
      yield chunk.subarray(0, bytesRead)
    }
  }

  async readAll(digest: Digest, limit: number = defaultLimit): Promise<Uint8Array> {
    await using handle = await this.#open(digest)
    const { size } = await handle.stat()
    if (size > limit) throw blobTooLarge(digest, size, limit)
    const bytes = await handle.readFile()
    try {
      verifyBytes(bytes, digest)
    } catch (error) {
      throw await this.#told(error, handle, digest)
    }
    return bytes
  }

  async writer(expected: Expected = {}): Promise<BlobWriter> {
    return await openBlobFile(this.root, this.#owner, expected)
  }

  async put(
    bytes: Uint8Array,
    expected: Expected = {},
  ): Promise<{ readonly digest: Digest; readonly size: number }> {
    await using writer = await this.writer(expected)
    await writer.write(bytes)
    return await writer.commit()
  }

  async delete(digest: Digest): Promise<void> {
    await rm(this.path(digest), { force: true })
  }

  async *list(): AsyncGenerator<{
    readonly digest: Digest
    readonly size: number
    readonly modifiedMs: number
  }> {
    for await (const item of await opendir(join(this.root, 'blobs', 'sha256'))) {
      const digest = `sha256:${item.name}`
      if (!isDigest(digest)) continue
      const found = await stat(this.path(digest)).catch(() => undefined)
      if (found?.isFile()) yield { digest: parseDigest(digest), size: found.size, modifiedMs: found.mtimeMs }
    }
  }

  /** Removes what processes that are gone have left in the middle of writing. */
  async sweep(): Promise<void> {
    const folder = join(this.root, ingestFolder)
    for (const name of await readdir(folder).catch(() => [])) {
      const [pid = 0, startTime = 0] = name.split('-').map(Number)
      if (!isAlive({ pid, startTime, bootId: this.#owner.bootId }))
        await rm(join(folder, name), { force: true })
    }
  }

  async *#mending(
    handle: FileHandle,
    digest: Digest,
    bytes: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* bytes
    } catch (error) {
      throw await this.#told(error, handle, digest)
    }
  }

  /** What to throw for an error of reading. A damaged blob is removed, unless another has taken its place meanwhile. */
  async #told(error: unknown, handle: FileHandle, digest: Digest): Promise<unknown> {
    if (!isSlipwayError(error) || error.code !== 'data-loss') return error
    const hint = this.#removeDamaged
      ? 'it has been removed from the store: run the command again, and it is made or fetched anew (build or pull the image again where the command only reads it); if this happens again, check the disk'
      : `the layout ${this.root} is damaged: make it anew`
    if (this.#removeDamaged) {
      const [ours, there] = await Promise.all([handle.stat(), stat(this.path(digest)).catch(() => undefined)])
      if (there?.ino === ours.ino) await this.delete(digest)
    }
    return new SlipwayError(error.code, error.message, { hint })
  }

  async #open(digest: Digest): Promise<FileHandle> {
    try {
      return await open(this.path(digest), constants.O_RDONLY)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw blobNotFound(digest)
      throw wrapError(`failed to read ${digest}`, error)
    }
  }
}

/** The layout at `root` as it is, for reading. Throws `not-found` where there is none. */
export async function openLayout(root: string): Promise<LayoutStore> {
  await access(join(root, 'oci-layout')).catch(() => {
    throw new SlipwayError('not-found', `${root} is not an OCI layout: it has no oci-layout file`)
  })
  return new LayoutStore(root)
}
