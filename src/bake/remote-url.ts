import { cleanPath } from '../hcl/functions/text.ts'

const scp = /^([a-zA-Z0-9-_]+)@([a-zA-Z0-9-.]+):(.*?)(?:\?(.*?))?(?:#(.*))?$/s

/** Where a Git URL points, as far as bake looks at it. */
export interface GitLocation {
  readonly scheme: 'http' | 'https' | 'ssh' | 'git'
  /** Host with port. */
  readonly host: string
  readonly path: string
}

/** Tells whether a text is an HTTP(S) URL or a Git reference, as opposed to a path. */
export function isRemoteUrl(text: string): boolean {
  return /^https?:\/\//.test(text) || isGitReference(text)
}

/** Tells whether a text is a Git repository: a git or ssh URL, an http one that ends in `.git`, `user@host:path`, `github.com/…`. */
export function isGitReference(text: string): boolean {
  if (text.startsWith('./') || text.startsWith('../')) return false
  if (text.startsWith('github.com/')) return true
  const location = gitLocation(text)
  if (location === undefined) return false
  return location.scheme === 'ssh' || location.scheme === 'git' || location.path.endsWith('.git')
}

/** Scheme, host and path of a URL that a Git client could use; `undefined` for anything else. */
export function gitLocation(text: string): GitLocation | undefined {
  const scheme = /^([a-zA-Z0-9]+):\/\//.exec(text)?.[1]?.toLowerCase()
  if (scheme !== undefined) {
    if (scheme !== 'http' && scheme !== 'https' && scheme !== 'ssh' && scheme !== 'git') return undefined
    const rest = /^[^:]+:\/\/(?:[^/@]*@)?([^/?#]*)([^?#]*)/.exec(text)
    return { scheme, host: rest?.[1] ?? '', path: rest?.[2] ?? '' }
  }
  const match = scp.exec(text)
  return match === null ? undefined : { scheme: 'ssh', host: match[2] as string, path: match[3] as string }
}

/** Tells whether a repository is reached over SSH. */
export function isGitSsh(text: string): boolean {
  return gitLocation(text)?.scheme === 'ssh'
}

/** The URL of a Git repository with a folder in it added (behind the folder that it names already). */
export function remoteUrlWithFolder(url: string, folder: string): string {
  const added = cleanPath(folder)
  if (added === '.' || url === '' || !isGitReference(url)) return url
  const { base, reference, inside, query } = splitGitUrl(url)
  const path = inside === '' ? added : cleanPath(`${inside}/${added}`)
  if (query !== undefined) {
    query.set('subdir', path)
    query.sort()
    return `${base.slice(0, base.indexOf('?'))}?${query.toString()}`
  }
  return `${base}#${reference}:${path}`
}

interface SplitUrl {
  readonly base: string
  readonly reference: string
  readonly inside: string
  /** Set where the folder stands in the query. */
  readonly query: URLSearchParams | undefined
}

function splitGitUrl(url: string): SplitUrl {
  const hash = url.indexOf('#')
  if (hash >= 0) {
    const fragment = url.slice(hash + 1)
    const colon = fragment.indexOf(':')
    const reference = colon < 0 ? fragment : fragment.slice(0, colon)
    return {
      base: url.slice(0, hash),
      reference,
      inside: colon < 0 ? '' : fragment.slice(colon + 1),
      query: undefined,
    }
  }
  const mark = url.indexOf('?')
  const query = mark < 0 ? undefined : new URLSearchParams(url.slice(mark + 1))
  const inside = query?.get('subdir')
  return { base: url, reference: '', inside: inside ?? '', query: inside === null ? undefined : query }
}
