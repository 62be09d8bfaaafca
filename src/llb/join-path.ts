import { cleanPath } from '../gostd/pattern-matcher.ts'

/** Go's `path.Join`: the parts with slashes between, cleaned; empty parts do not count. */
export function joinPath(...parts: readonly string[]): string {
  const filled = parts.filter(part => part !== '')
  return filled.length === 0 ? '' : cleanPath(filled.join('/'))
}
