import { joinPath } from '../../llb/join-path.ts'

/**
 * Which paths of a context must be transferred, relative and sorted; undefined for all of it. An empty set gives
 * undefined as well, as in BuildKit: then nothing reads the context.
 */
export function contextPaths(used: ReadonlySet<string>): readonly string[] | undefined {
  if (used.size === 0 || used.has('/')) return undefined
  const paths = Array.from(used, path => joinPath('.', path))
  return paths.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}
