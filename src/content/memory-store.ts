import { createHash } from 'node:crypto'
import { throwIfAborted } from '../async/abort.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import { blobNotFound, blobTooLarge, wrongDigest, wrongSize } from './content-error.ts'
import type { BlobWriter, ContentStore, Expected } from './content-store.ts'

/** Blobs in memory: for tests, and for content that is small and short-lived. `path` throws `unimplemented`. */
export class MemoryStore implements ContentStore {
  readonly #blobs = new Map<Digest, { readonly bytes: Uint8Array; readonly modifiedMs: number }>()

  path(): string {
    throw new SlipwayError('unimplemented', 'content in memory has no path')
  }

  async size(digest: Digest): Promise<number | undefined> {
    return this.#blobs.get(digest)?.bytes.length
  }

  async *read(
    digest: Digest,
    options: { offset?: number; length?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    throwIfAborted(options.signal)
    const { offset = 0, length = Number.POSITIVE_INFINITY } = options
    const part = this.#get(digest).subarray(offset, offset + length)
    if (part.length > 0) yield part
  }

  async readAll(digest: Digest, limit: number = 8 << 20): Promise<Uint8Array> {
    const bytes = this.#get(digest)
    if (bytes.length > limit) throw blobTooLarge(digest, bytes.length, limit)
    return bytes
  }

  async writer(expected: Expected = {}): Promise<BlobWriter> {
    const chunks: Uint8Array[] = []
    let size = 0
    return {
      write: async chunk => {
        size += chunk.length
        if (expected.size !== undefined && size > expected.size) throw wrongSize(size, expected)
        chunks.push(Uint8Array.from(chunk))
      },
      commit: async () => await this.put(Buffer.concat(chunks), expected),
      [Symbol.asyncDispose]: async () => void chunks.splice(0),
    }
  }

  async put(
    bytes: Uint8Array,
    expected: Expected = {},
  ): Promise<{ readonly digest: Digest; readonly size: number }> {
    if (expected.size !== undefined && bytes.length !== expected.size) throw wrongSize(bytes.length, expected)
    const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
    if (expected.digest !== undefined && expected.digest !== digest) {
      throw wrongDigest(digest, expected.digest)
    }
    this.#blobs.set(digest, { bytes: Uint8Array.from(bytes), modifiedMs: Date.now() })
    return { digest, size: bytes.length }
  }

  async delete(digest: Digest): Promise<void> {
    this.#blobs.delete(digest)
  }

  async *list(): AsyncGenerator<{
    readonly digest: Digest
    readonly size: number
    readonly modifiedMs: number
  }> {
    for (const [digest, { bytes, modifiedMs }] of this.#blobs)
      yield { digest, size: bytes.length, modifiedMs }
  }

  #get(digest: Digest): Uint8Array {
    const blob = this.#blobs.get(digest)
    if (blob === undefined) throw blobNotFound(digest)
    return blob.bytes
  }
}
