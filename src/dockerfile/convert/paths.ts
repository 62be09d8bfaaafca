import { joinPath } from '../../llb/join-path.ts'

/**
 * A path of an instruction made absolute: relative ones start at `parent`, absolute ones stay as written. With
 * `keepTrailer` the `/` or `/.` at the end is kept, which says "this is a directory".
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/util/system/path.go
 */
export function normalizePath(parent: string, path: string, keepTrailer: boolean): string {
  const from = parent === '' ? '/' : parent
  const base = from.startsWith('/') ? from : joinPath('/', from)
  const wanted = path === '' ? base : path
  const full = wanted.startsWith('/') ? wanted : joinPath(base, wanted)
  if (!keepTrailer) return full
  if (path.endsWith('/') && !full.endsWith('/')) return `${full}/`
  if (path.endsWith('/.')) return full === '/' ? '/.' : `${full}/.`
  return full
}

/** The working directory after `WORKDIR path`. */
export function normalizeWorkdir(current: string, path: string): string {
  return normalizePath(current, path, false)
}

/** A destination in a working directory. */
export function destinationPath(dir: string, path: string): string {
  if (path.startsWith('/')) return normalizePath('/', path, true)
  return normalizePath(dir, path === '.' || path === '' ? './' : path, true)
}
