import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { throwIfAborted } from '../async/abort.ts'
import { parseDigest, type Digest } from '../oci/digest.ts'
import { isSlipwayError } from '../errors/slipway-error.ts'
import { damagedBlob } from './content-error.ts'
import type { ContentStore } from './content-store.ts'

const chunkSize = 256 * 1024

/**
 * The bytes of an open file, hashed on the way: with another digest than `digest` it throws `data-loss` in place of the
 * end. The next piece is read while the one at hand is hashed, so that it costs no time but that of a processor.
 */
export async function* readVerified(
  handle: FileHandle,
  digest: Digest,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256')
  let at = 0
  const readOn = async (): Promise<Uint8Array> => {
    const chunk = Buffer.allocUnsafeSlow(chunkSize)
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at)
    at += bytesRead
    return chunk.subarray(0, bytesRead)
  }
  let next = readOn()
  try {
    for (;;) {
      throwIfAborted(signal)
      const chunk = await next
      if (chunk.length === 0) break
      next = readOn()
      hash.update(chunk)
      yield chunk
    }
  } finally {
    // Whoever stops in the middle closes the file, which must not happen below a read.
    await next.catch(() => {})
  }
  checkDigest(hash.digest('hex'), digest)
}

/** Throws `data-loss` where the bytes are not those of the digest. */
export function verifyBytes(bytes: Uint8Array, digest: Digest): void {
  checkDigest(createHash('sha256').update(bytes).digest('hex'), digest)
}

/**
 * What to throw where work on a blob failed: that the blob is damaged, if it is (`read` throws `data-loss` then), else the
 * failure itself.
 */
export async function blameDamage(
  failure: unknown,
  digest: Digest,
  content: Pick<ContentStore, 'read'>,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (signal?.aborted === true) return failure
  try {
    for await (const _ of content.read(digest, signal === undefined ? {} : { signal })) continue
  } catch (error) {
    if (isSlipwayError(error) && error.code === 'data-loss') return error
  }
  return failure
}

function checkDigest(hex: string, digest: Digest): void {
  const found = parseDigest(`sha256:${hex}`)
  if (found !== digest) throw damagedBlob(digest, found)
}
