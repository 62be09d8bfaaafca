import { invalid } from '../instructions/argument-error.ts'

/** The digest that a download must have, checked in the words of go-digest. Throws `invalid-argument`. */
export function readChecksum(text: string): string {
  const [, algorithm = '', encoded = ''] =
    /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/.exec(text) ?? []
  if (algorithm === '') throw invalid('invalid checksum digest format')
  if (algorithm !== 'sha256') throw invalid('unsupported digest algorithm')
  if (encoded.length !== 64) throw invalid('invalid checksum digest length')
  if (!/^[a-f0-9]{64}$/.test(encoded)) throw invalid('invalid checksum digest format')
  return text
}
