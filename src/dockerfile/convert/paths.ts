import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { cleanPath } from '../../gostd/pattern-matcher.ts'
import { quote } from '../../gostd/quote.ts'
import { joinPath } from '../../llb/join-path.ts'

/**
 * A path of an instruction made absolute: relative ones start at `parent`, absolute ones stay as written. With
 * `keepTrailer` the `/` or `/.` at the end is kept, which says "this is a directory". For images of Windows (`os`)
 * backslashes are slashes and the drive `C:` is left out; throws `invalid-argument` for another drive and for a share.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/util/system/path.go
 */
export function normalizePath(parent: string, path: string, keepTrailer: boolean, os: string): string {
  const from = withoutDrive(parent === '' ? '/' : toSlash(parent, os), os, keepTrailer)
  const base = from.startsWith('/') ? from : joinPath('/', from)
  const given = toSlash(path, os)
  const wanted = given === '' ? base : withoutDrive(given, os, keepTrailer)
  const full = wanted.startsWith('/') ? wanted : joinPath(base, wanted)
  if (!keepTrailer) return full
  if (given.endsWith('/') && !full.endsWith('/')) return `${full}/`
  if (given.endsWith('/.')) return full === '/' ? '/.' : `${full}/.`
  return full
}

/** The working directory after `WORKDIR path`, with slashes; throws as `normalizePath`, the step named. */
export function normalizeWorkdir(current: string, path: string, os: string): string {
  try {
    return normalizePath(current, path, false, os)
  } catch (e) {
    throw wrapError('normalizing workdir: normalizing working directory: removing drive letter', e)
  }
}

/** A working directory as the configuration of an image has it: with backslashes for Windows. */
export function platformPath(path: string, os: string): string {
  return os === 'windows' ? path.replaceAll('/', '\\') : path
}

/** A destination in a working directory; throws as `normalizePath`. */
export function destinationPath(dir: string, path: string, os: string): string {
  const wanted = withDriveError(() => withoutDrive(path, os, true))
  if (isAbsolute(wanted, os)) return normalizePath('/', wanted, true, os)
  return normalizePath(dir, wanted === '.' || wanted === '' ? './' : wanted, true, os)
}

/** The source of a copy, from the root of its tree; throws as `normalizePath`. */
export function contextPath(path: string, os: string): string {
  return withDriveError(() => withDriveError(() => normalizePath('/', path, false, os)))
}

/** Whether a path is absolute for `os`: on Windows also one that starts with a backslash, or `C:` and a slash. */
export function isAbsolute(path: string, os: string): boolean {
  if (os !== 'windows') return path.startsWith('/')
  try {
    return withoutDrive(path, os, false).startsWith('/')
  } catch {
    return false
  }
}

const toSlash = (path: string, os: string): string => (os === 'windows' ? path.replaceAll('\\', '/') : path)

/** A path of Windows without the drive, cleaned; others as they are. What follows `C:` may be relative. */
function withoutDrive(path: string, os: string, keepSlash: boolean): string {
  if (os !== 'windows') return path
  if (path.length === 2 && path[1] === ':')
    throw new SlipwayError('invalid-argument', `No relative path specified in ${quote(path)}`)
  if (toSlash(path.slice(0, 2), os) === '//')
    throw new SlipwayError('invalid-argument', 'UNC paths are not supported')
  const colon = path.indexOf(':')
  if (colon >= 0 && path.slice(0, colon).toLowerCase() !== 'c')
    throw new SlipwayError('invalid-argument', 'The specified path is not on the system drive (C:)')
  const rest = toSlash(path.slice(colon + 1), os)
  const clean = cleanPath(rest)
  return keepSlash && clean.length > 1 && rest.endsWith('/') ? `${clean}/` : clean
}

function withDriveError(work: () => string): string {
  try {
    return work()
  } catch (e) {
    throw wrapError('removing drive letter', e)
  }
}
