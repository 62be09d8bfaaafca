import { nameWriteError } from '../../bytes/whole-file.ts'
import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, open, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectories } from '../../bytes/make-directories.ts'
import { throwIfAborted } from '../../async/abort.ts'
import type { ByteStream } from '../../bytes/byte-stream.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { type Digest, digestHex, isDigest, parseDigest } from '../../oci/digest.ts'

/** A blob that is there. Size in bytes, time in milliseconds since 1970. */
export interface BlobFacts {
  readonly digest: Digest
  readonly size: number
  readonly createdMs: number
}

const chunkSize = 256 * 1024

/**
 * The blobs of an OCI layout directory, as they are handed to a daemon. It can take blobs too, into a directory that need
 * not exist; it does not touch the layout's index.
 */
export class LayoutBlobs {
  readonly #blobs: string
  readonly #ingest: string

  constructor(dir: string) {
    this.#blobs = join(dir, 'blobs', 'sha256')
    this.#ingest = join(dir, 'ingest')
  }

  /** Throws `not-found`. */
  async facts(digest: Digest): Promise<BlobFacts> {
    try {
      const stats = await stat(this.#path(digest))
      if (stats.isFile()) return { digest, size: stats.size, createdMs: stats.mtimeMs }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
    throw new SlipwayError('not-found', `content ${digest}: not found`)
  }

  /** Whether the blob is there. */
  async has(digest: Digest): Promise<boolean> {
    return await this.facts(digest).then(
      () => true,
      () => false,
    )
  }

  /** `length` bytes from `offset`, or what there is of them; length 0 means to the end. Throws `not-found`, `out-of-range`. */
  async *read(digest: Digest, offset: number, length: number, signal?: AbortSignal): ByteStream {
    const { size } = await this.facts(digest)
    if (offset > size) throw new SlipwayError('out-of-range', `read past object length ${size} bytes`)
    const end = length <= 0 ? size : Math.min(size, offset + length)
    await using file = await open(this.#path(digest))
    for (let at = Math.max(0, offset); at < end; ) {
      throwIfAborted(signal)
      const buffer = Buffer.allocUnsafe(Math.min(chunkSize, end - at))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) throw new SlipwayError('data-loss', `content ${digest}: shorter than it was`)
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }

  async *list(): AsyncGenerator<BlobFacts> {
    const names = await readdir(this.#blobs).catch(() => [])
    for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
      const digest = `sha256:${name}`
      if (isDigest(digest)) yield await this.facts(digest)
    }
  }

  /** Throws `not-found`. */
  async delete(digest: Digest): Promise<void> {
    await this.facts(digest)
    await unlink(this.#path(digest))
  }

  /** Begins a blob. Disposing it without `commit` removes what was written. */
  async begin(): Promise<BlobIngest> {
    const path = join(this.#ingest, randomBytes(12).toString('hex'))
    return new BlobIngest(path, await this.#create(path), async digest => {
      await makeDirectories(this.#blobs)
      await rename(path, this.#path(digest))
    })
  }

  /** Removes the directory of unfinished blobs if it is empty: another build may be writing into it. */
  async tidy(): Promise<void> {
    await rmdir(this.#ingest).catch(() => undefined)
  }

  /** Another build may remove the empty directory at any moment before there is a file in it. */
  async #create(path: string): Promise<FileHandle> {
    for (let attempt = 1; ; attempt++) {
      try {
        await makeDirectories(this.#ingest)
        return await open(path, 'wx+')
      } catch (error) {
        if (attempt >= 10 || !(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
          throw error
      }
    }
  }

  #path(digest: Digest): string {
    return join(this.#blobs, digestHex(digest))
  }
}

/** A blob that is being written. */
export class BlobIngest implements AsyncDisposable {
  readonly startedMs = Date.now()
  readonly #path: string
  readonly #file: FileHandle
  readonly #publish: (digest: Digest) => Promise<void>
  #hash = createHash('sha256')
  #size = 0
  #closed = false

  constructor(path: string, file: FileHandle, publish: (digest: Digest) => Promise<void>) {
    this.#path = path
    this.#file = file
    this.#publish = publish
  }

  get size(): number {
    return this.#size
  }

  /** Digest of what was written so far. */
  get digest(): Digest {
    return parseDigest(`sha256:${this.#hash.copy().digest('hex')}`)
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes)
    try {
      for (let at = 0; at < bytes.length; )
        at += (await this.#file.write(bytes, at, bytes.length - at, this.#size + at)).bytesWritten
    } catch (e) {
      throw nameWriteError(e, this.#path)
    }
    this.#size += bytes.length
  }

  /** Starts again from nothing. */
  async restart(): Promise<void> {
    await this.#file.truncate()
    this.#hash = createHash('sha256')
    this.#size = 0
  }

  /** Makes the blob durable under its digest. Throws `failed-precondition` where it is not what was expected. */
  async commit(expected: Digest | undefined, size: number): Promise<Digest> {
    const { digest } = this
    if (size > 0 && size !== this.#size)
      throw mismatch(`unexpected commit size ${this.#size}, expected ${size}`)
    if (expected !== undefined && expected !== digest) {
      throw mismatch(`unexpected commit digest ${digest}, expected ${expected}`)
    }
    await this.#file.sync()
    await this.#file.close()
    this.#closed = true
    await this.#publish(digest)
    return digest
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#file.close()
    await rm(this.#path, { force: true })
  }
}

function mismatch(message: string): SlipwayError {
  return new SlipwayError('failed-precondition', message)
}
