import { joinPath } from './join-path.ts'

/** A Git remote. Source: https://github.com/moby/buildkit/blob/v0.32.2/util/gitutil/git_url.go */
export interface GitUrl {
  readonly scheme: 'http' | 'https' | 'ssh' | 'git'
  /** With the port, without the user. */
  readonly host: string
  readonly path: string
  /** `?a=b` as decoded pairs, in order. */
  readonly query: readonly (readonly [name: string, value: string])[]
  /** From the fragment `#ref:subdir`; empty where it has none. */
  readonly ref: string
  readonly subdir: string
  /** What git is called with: the URL without query and fragment. */
  readonly remote: string
}

const url = /^([a-zA-Z0-9]+):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s
const scp = /^([a-zA-Z0-9-_]+)@([a-zA-Z0-9-.]+):([^?#\n]*)(?:\?([^#\n]*))?(?:#([^\n]*))?$/

/**
 * Reads a URL (`https`, `http`, `ssh`, `git`) or the short form `user@host:path`. `unknown` where it has no scheme at
 * all, `invalid` where it is broken or has another one.
 */
export function parseGitUrl(text: string): GitUrl | 'unknown' | 'invalid' {
  if (/^[a-zA-Z0-9]+:\/\//.test(text)) return parseStandard(text)
  const match = scp.exec(text)
  if (match === null) return 'unknown'
  const [, user = '', host = '', path = '', query, fragment] = match
  const { pairs, isBroken } = parseQuery(query ?? '')
  if (isBroken) return 'unknown'
  return {
    scheme: 'ssh',
    host,
    path,
    query: pairs,
    ...splitFragment(fragment ?? ''),
    remote: `${user}@${host}:${path}`,
  }
}

function parseStandard(text: string): GitUrl | 'invalid' {
  const match = url.exec(text)
  if (match === null || hasControl(text)) return 'invalid'
  const [, schemeText = '', authority = '', rawPath = '', query, fragment] = match
  const scheme = schemeText.toLowerCase()
  if (scheme !== 'http' && scheme !== 'https' && scheme !== 'ssh' && scheme !== 'git') return 'invalid'
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  const path = unescape(rawPath)
  const { pairs } = parseQuery(query ?? '')
  const decoded = unescape(fragment ?? '')
  if (path === undefined || decoded === undefined || !/^(\[[^\]]*\]|[^:]*)(:[0-9]*)?$/.test(host)) {
    return 'invalid'
  }
  const user = at < 0 ? '' : `${authority.slice(0, at)}@`
  const remote = `${scheme}://${user}${host}${rawPath}`
  return { scheme, host, path, query: pairs, ...splitFragment(decoded), remote }
}

/** `ref:subdir`; the directory is cleaned and cannot leave the root. */
function splitFragment(fragment: string): { ref: string; subdir: string } {
  const at = fragment.indexOf(':')
  if (at < 0) return { ref: fragment, subdir: '' }
  return { ref: fragment.slice(0, at), subdir: cleanSubdir(fragment.slice(at + 1)) }
}

/** A directory inside a repository, cleaned, without a leading slash. */
export function cleanSubdir(subdir: string): string {
  return joinPath('/', subdir).slice(1)
}

/** Pairs that cannot be read are left out. */
function parseQuery(query: string): { pairs: [string, string][]; isBroken: boolean } {
  const pairs: [string, string][] = []
  let isBroken = false
  for (const part of query.split('&')) {
    if (part === '') continue
    const at = part.indexOf('=')
    const name = unescape((at < 0 ? part : part.slice(0, at)).replaceAll('+', ' '))
    const value = unescape((at < 0 ? '' : part.slice(at + 1)).replaceAll('+', ' '))
    if (name === undefined || value === undefined || part.includes(';')) isBroken = true
    else pairs.push([name, value])
  }
  return { pairs, isBroken }
}

function unescape(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function hasControl(text: string): boolean {
  for (const char of text) if (char < ' ' || char === '\x7f') return true
  return false
}
