import { createHash } from 'node:crypto'
import { SlipwayError } from '../errors/slipway-error.ts'

declare const brand: unique symbol

/** A content digest that went through `parseDigest` or `digestOf`: safe to become part of a path. */
export type Digest = `sha256:${string}` & { readonly [brand]: 'Digest' }

const pattern = /^sha256:[0-9a-f]{64}$/

/**
 * A digest of the only supported algorithm, in its strict form (lower-case hex, 64 digits).
 * Throws `invalid-argument`. Source: OCI image-spec 1.1 descriptor.md, "Digests".
 */
export function parseDigest(text: unknown): Digest {
  if (typeof text !== 'string' || !pattern.test(text)) {
    throw new SlipwayError('invalid-argument', `invalid digest ${JSON.stringify(text)?.slice(0, 120)}`, {
      hint: 'a digest reads sha256: and 64 lower-case hexadecimal digits',
    })
  }
  return text as Digest
}

/** Tells whether `text` is a digest in strict form. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && pattern.test(text)
}

/** The digest of bytes, or of the UTF-8 form of a string. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
}

/** The 64 hexadecimal digits of a digest. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length)
}
