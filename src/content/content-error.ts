import { SlipwayError } from '../errors/slipway-error.ts'
import type { Digest } from '../oci/digest.ts'
import type { Expected } from './content-store.ts'

/** A blob with another size than expected, in the words of containerd's content store. */
export function wrongSize(size: number, expected: Expected): SlipwayError {
  const of = expected.digest === undefined ? '' : `: ${expected.digest}`
  return new SlipwayError('data-loss', `unexpected commit size ${size}, expected ${expected.size}${of}`)
}

/** A blob with another digest than expected, in the same words. */
export function wrongDigest(digest: Digest, expected: Digest): SlipwayError {
  return new SlipwayError('data-loss', `unexpected commit digest ${digest}, expected ${expected}`)
}

/** A blob that is not in the store. */
export function blobNotFound(digest: Digest): SlipwayError {
  return new SlipwayError('not-found', `content ${digest}: not found`)
}

/** A blob beyond the limit of `readAll`. Bytes. */
export function blobTooLarge(digest: Digest, size: number, limit: number): SlipwayError {
  return new SlipwayError(
    'resource-exhausted',
    `content ${digest} has ${size} bytes, more than the limit of ${limit}`,
  )
}

/** A blob of the store whose bytes have changed since they were written. */
export function damagedBlob(digest: Digest, found: Digest): SlipwayError {
  return new SlipwayError('data-loss', `content ${digest} is damaged on disk: its digest is ${found}`)
}
