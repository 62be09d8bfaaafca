import { createHash } from 'node:crypto'

/** Digest (`sha256:…`) of the text that identifies a piece of work in cache keys. */
export function cacheDigest(text: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
