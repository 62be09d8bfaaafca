import { SlipwayError } from '../errors/slipway-error.ts'
import type { ByteStream } from './byte-stream.ts'
import { type HasherFactory, nodeHasher } from './hash.ts'

/** What a stream is expected to be. */
export interface Expected {
  /** `<algorithm>:<hex>`, already parsed as a digest by the caller. */
  readonly digest: string
  /** Length in bytes, when it is known. */
  readonly size?: number | undefined
}

/**
 * Passes `source` through and checks it: more bytes than `size` fail at once, fewer bytes or another digest fail at
 * the end, in place of the end. Code `data-loss`; the messages are those of containerd's content store. The last chunk
 * is handed out before the digest is known: use nothing until the stream has ended well.
 */
export async function* verify(
  source: ByteStream,
  expected: Expected,
  hasher: HasherFactory = nodeHasher,
): AsyncGenerator<Uint8Array, void, undefined> {
  const algorithm = expected.digest.slice(0, expected.digest.indexOf(':'))
  const hash = hasher(algorithm)
  let size = 0
  for await (const chunk of source) {
    size += chunk.byteLength
    if (expected.size !== undefined && size > expected.size) throw wrongSize(size, expected)
    hash.update(chunk)
    yield chunk
  }
  if (expected.size !== undefined && size !== expected.size) throw wrongSize(size, expected)
  const actual = `${algorithm}:${hash.hex()}`
  if (actual !== expected.digest) {
    throw new SlipwayError('data-loss', `unexpected commit digest ${actual}, expected ${expected.digest}`)
  }
}

function wrongSize(size: number, expected: Expected): SlipwayError {
  const more = size > (expected.size ?? 0) ? `at least ${size}` : `${size}`
  return new SlipwayError(
    'data-loss',
    `unexpected commit size ${more}, expected ${expected.size}: ${expected.digest}`,
  )
}
