import { cleanPath } from '../../gostd/pattern-matcher.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { trimSpace } from '../parser/white-space.ts'

/** Longest line in bytes. Source: bufio.MaxScanTokenSize of Go. */
const maxLineBytes = 65536

/**
 * The patterns of a .dockerignore: one a line, `#` at the very start makes a comment, blanks around are dropped, paths
 * are cleaned, a leading `/` means nothing, `!` stays in front. Throws `invalid-argument` for a line that is too long.
 * Source: https://github.com/moby/patternmatcher/blob/v0.6.0/ignorefile/ignorefile.go
 */
export function parseIgnoreFile(text: string): string[] {
  const patterns: string[] = []
  const body = text.startsWith('\ufeff') ? text.slice(1) : text
  for (const line of body.split('\n')) {
    if (Buffer.byteLength(line) >= maxLineBytes) {
      throw new SlipwayError('invalid-argument', 'bufio.Scanner: token too long')
    }
    if (line.startsWith('#')) continue
    const trimmed = trimSpace(line)
    if (trimmed === '') continue
    const isException = trimmed.startsWith('!')
    const pattern = isException ? trimSpace(trimmed.slice(1)) : trimmed
    patterns.push((isException ? '!' : '') + (pattern === '' ? '' : normalized(pattern)))
  }
  return patterns
}

function normalized(pattern: string): string {
  const clean = cleanPath(pattern)
  return clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean
}
