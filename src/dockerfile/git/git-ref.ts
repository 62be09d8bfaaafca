import { posix } from 'node:path'
import { cleanSubdir, type GitUrl, parseGitUrl } from '../../llb/git-url.ts'
import { quote } from '../../gostd/quote.ts'
import { tryParseBool } from '../../gostd/parse-number.ts'
import { invalid } from '../instructions/argument-error.ts'

/** A Git source as contexts and ADD name it: `https://host/repo.git?ref=v1&subdir=docs`, `git@host:repo.git#v1:docs`. */
export interface GitRef {
  /** The repository, without what is said about it. */
  readonly remote: string
  /** Branch, tag or commit; empty for the default branch. */
  readonly ref: string
  readonly subdir: string
  /** Commit that it must be. */
  readonly checksum: string
  /** `github.com/…`: could be a path as well, and counts as Git for contexts only. */
  readonly looksLocal: boolean
  readonly keepGitDir: boolean | undefined
  readonly submodules: boolean | undefined
  /** `checkout`, `commit`, or empty. */
  readonly mtime: string
  readonly fetchByCommit: boolean
}

/**
 * Reads a Git source; undefined where `text` is something else (web URLs count only where the path ends in `.git`).
 * Throws `invalid-argument` for a query that makes no sense.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/frontend/dockerfile/dfgitutil/git_ref.go
 */
export function parseGitRef(text: string): GitRef | undefined {
  if (text.startsWith('./') || text.startsWith('../')) return undefined
  const looksLocal = text.startsWith('github.com/')
  const url = parseGitUrl(looksLocal ? `https://${text}` : text)
  if (typeof url === 'string') return undefined
  if (!looksLocal && url.scheme.startsWith('http') && !url.path.endsWith('.git')) return undefined
  const remote = looksLocal ? url.remote.slice('https://'.length) : url.remote
  return { ...readQuery(url), remote, looksLocal }
}

/** The last part of a repository's path, without `.git`. */
export function repositoryShortName(remote: string): string {
  return posix.basename(remote).replace(/\.git$/, '')
}

interface Draft {
  ref: string
  subdir: string
  checksum: string
  keepGitDir: boolean | undefined
  submodules: boolean | undefined
  mtime: string
  fetchByCommit: boolean
}

const flags = ['submodules', 'keep-git-dir', 'fetch-by-commit']

function readQuery(url: GitUrl): Draft {
  const draft: Draft = {
    ref: url.ref,
    subdir: url.subdir,
    checksum: '',
    keepGitDir: undefined,
    submodules: undefined,
    mtime: '',
    fetchByCommit: false,
  }
  const values = new Map<string, string>()
  for (const [name, value] of url.query) {
    if (values.has(name)) throw invalid(`query ${quote(name)} has multiple values`)
    values.set(name, value)
  }
  for (const [name, value] of values) {
    if (value === '' && !flags.includes(name)) throw invalid(`query ${quote(name)} has no value`)
    readPair(draft, name, value)
  }
  const tag = values.get('tag')
  const branch = values.get('branch')
  if (tag !== undefined) setRef(draft, withPrefix('refs/tags/', tag))
  if (branch !== undefined) {
    if (tag !== undefined) throw invalid('branch conflicts with tag')
    setRef(draft, withPrefix('refs/heads/', branch))
  }
  return draft
}

function readPair(draft: Draft, name: string, value: string): void {
  switch (name) {
    case 'ref':
      return setRef(draft, value)
    case 'tag':
    case 'branch':
      return
    case 'subdir':
      if (draft.subdir !== '' && draft.subdir !== value) {
        throw invalid(`subdir conflicts: ${quote(draft.subdir)} vs ${quote(value)}`)
      }
      draft.subdir = value
      return
    case 'checksum':
    case 'commit':
      draft.checksum = value
      return
    case 'keep-git-dir':
      draft.keepGitDir = readFlag(name, value)
      return
    case 'submodules':
      draft.submodules = readFlag(name, value)
      return
    case 'fetch-by-commit':
      draft.fetchByCommit = readFlag(name, value)
      return
    case 'mtime':
      if (value !== 'checkout' && value !== 'commit') {
        throw invalid(`invalid mtime value: ${quote(value)} (must be "checkout" or "commit")`)
      }
      draft.mtime = value
      return
    default:
      throw invalid(`unexpected query ${quote(name)}`)
  }
}

function setRef(draft: Draft, ref: string): void {
  if (draft.ref !== '' && draft.ref !== ref) {
    throw invalid(`ref conflicts: ${quote(draft.ref)} vs ${quote(ref)}`)
  }
  draft.ref = ref
}

function readFlag(name: string, value: string): boolean {
  const flag = value === '' ? true : tryParseBool(value)
  if (flag === undefined) throw invalid(`invalid ${name} value: ${quote(value)}`)
  return flag
}

function withPrefix(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name : prefix + name
}

/** The short form `remote#ref:subdir`; the text itself where it is no Git source. */
export function fragmentFormat(text: string, withSubdir: boolean): string {
  let ref: GitRef | undefined
  try {
    ref = parseGitRef(text)
  } catch {
    return text
  }
  if (ref === undefined) return text
  const subdir = withSubdir ? cleanSubdir(ref.subdir) : ''
  if (ref.ref === '' && subdir === '') return ref.remote
  return `${ref.remote}#${ref.ref}${subdir === '' ? '' : `:${subdir}`}`
}
