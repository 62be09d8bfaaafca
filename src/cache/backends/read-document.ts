import { createHash } from 'node:crypto'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { CacheBlobs } from './cache-backend.ts'

/** Largest description that is read (bytes). */
const maxSize = 64 * 1024 * 1024

/** A whole small blob, checked against its digest. Throws `not-found`, `data-loss`, `resource-exhausted`. */
export async function readDocument(
  blobs: CacheBlobs,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { digest, size } = descriptor
  if (size > maxSize) {
    throw new SlipwayError('resource-exhausted', `blob ${digest} is too large (${size} > ${maxSize})`)
  }
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of blobs.fetch(descriptor, { signal })) {
    length += chunk.length
    if (length > maxSize)
      throw new SlipwayError('resource-exhausted', `blob ${digest} is too large (${length} > ${maxSize})`)
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  const actual = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  if (actual !== digest) throw new SlipwayError('data-loss', `content of ${digest} has the digest ${actual}`)
  return bytes
}
