import { createHash } from 'node:crypto'
import { SlipwayError } from '../errors/slipway-error.ts'

/** A running hash: `update` any number of times, then `hex` once. */
export interface Hasher {
  update(chunk: Uint8Array): void
  /** Lower-case hexadecimal digits of the whole. */
  hex(): string
}

/** Makes hashers by the algorithm name of a digest (`sha256`). Throws `invalid-argument` for one it does not know. */
export type HasherFactory = (algorithm: string) => Hasher

const known: readonly string[] = ['sha256', 'sha384', 'sha512']

/** The hashers of node:crypto, for the algorithms that OCI registers. */
export const nodeHasher: HasherFactory = algorithm => {
  if (!known.includes(algorithm)) {
    throw new SlipwayError('invalid-argument', `unsupported digest algorithm: ${algorithm}`)
  }
  const hash = createHash(algorithm)
  return { update: chunk => void hash.update(chunk), hex: () => hash.digest('hex') }
}

/** The digest (`sha256:<64 hex digits>`) of bytes in memory. */
export function digestBytes(bytes: Uint8Array | string, algorithm = 'sha256'): `${string}:${string}` {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}
