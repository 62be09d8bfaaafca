import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'

/** What a blob must turn out to be; a mismatch fails `commit` and leaves nothing behind. `size` in bytes. */
export interface Expected {
  readonly digest?: Digest
  readonly size?: number
}

/** A blob being written. Closing it without `commit` removes what was written. */
export interface BlobWriter extends AsyncDisposable {
  write(chunk: Uint8Array): Promise<void>
  /**
   * Makes the blob durable under its digest. Idempotent with regard to content: a blob that is already there is success.
   * Throws `data-loss` where the expectation is not met, `resource-exhausted` on a full disk.
   */
  commit(): Promise<{ readonly digest: Digest; readonly size: number }>
}

/** Blobs by digest, shared by many processes at once. */
export interface ContentStore {
  /** Size in bytes, or undefined where the blob is absent. */
  size(digest: Digest): Promise<number | undefined>
  /**
   * Streams a blob; throws `not-found`, and `data-loss` in place of the end where it was damaged since it was written. With
   * `offset` or `length` a part of it, which nobody checks.
   */
  read(
    digest: Digest,
    options?: { offset?: number; length?: number; signal?: AbortSignal },
  ): AsyncIterable<Uint8Array>
  /** A small blob whole; throws `not-found`, `data-loss` where it is damaged, and `resource-exhausted` where it is larger than `limit` bytes (default 8 MiB). */
  readAll(digest: Digest, limit?: number): Promise<Uint8Array>
  /** Absolute path of a blob that is there, for bulk readers. */
  path(digest: Digest): string
  writer(expected?: Expected): Promise<BlobWriter>
  /** Writes bytes that are at hand. */
  put(bytes: Uint8Array, expected?: Expected): Promise<{ readonly digest: Digest; readonly size: number }>
  /** Removes a blob; absent ones are no error. */
  delete(digest: Digest): Promise<void>
  list(): AsyncIterable<{ readonly digest: Digest; readonly size: number; readonly modifiedMs: number }>
}

/** Anything blobs can be read from: a registry repository, an OCI layout, a content store, a client's session. */
export interface BlobProvider {
  fetch(descriptor: Descriptor, options?: { signal?: AbortSignal }): AsyncIterable<Uint8Array>
}
