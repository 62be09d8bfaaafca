import { invalid } from '../instructions/argument-error.ts'

const hexLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }

/** The digest that a download must have, checked in the words of go-digest. Throws `invalid-argument`. */
export function readChecksum(text: string): string {
  const [, algorithm = '', encoded = ''] =
    /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/.exec(text) ?? []
  if (algorithm === '') throw invalid('invalid checksum digest format')
  const length = hexLengths[algorithm]
  if (length === undefined) throw invalid('unsupported digest algorithm')
  if (encoded.length !== length) throw invalid('invalid checksum digest length')
  // BuildKit compares with a SHA-256 in any case, so that no other one can ever be right.
  if (algorithm !== 'sha256') throw invalid('unsupported digest algorithm')
  if (!/^[a-f0-9]{64}$/.test(encoded)) throw invalid('invalid checksum digest format')
  return text
}
