import { posix } from 'node:path'
import { formatReference, parsePullReference } from '../oci/reference.ts'
import { parseGitIdentifier } from '../ops/git-source.ts'
import type { PolicySource } from './source-policy.ts'

/**
 * The source under the name that policies know it by, however it is spelt: images in full, repositories by the host that
 * is really asked and a clean path. The same object where that is its name, or where it has no meaning at all.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/policy.go, normalizedSourceIdentifier
 */
export function canonicalSource(source: PolicySource): PolicySource {
  const at = source.identifier.indexOf('://')
  const scheme = source.identifier.slice(0, Math.max(0, at))
  const rest = source.identifier.slice(at + 3)
  const name = nameOf(scheme, rest, source.attrs)
  return name === undefined || name === source.identifier ? source : { ...source, identifier: name }
}

function nameOf(scheme: string, rest: string, attrs: PolicySource['attrs']): string | undefined {
  try {
    if (scheme === 'docker-image') return `${scheme}://${formatReference(parsePullReference(rest))}`
    return scheme === 'git' ? gitName(rest, attrs) : undefined
  } catch {
    // What it means cannot be said; whoever resolves it will say what is wrong.
    return undefined
  }
}

function gitName(rest: string, attrs: PolicySource['attrs']): string | undefined {
  const { remote, ref, subdir } = parseGitIdentifier(rest, attrs)
  const url = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?([^/?#]+)(\/[^?#]*)?/i.exec(remote)
  const [, host, path] = url ?? /^(?:[^@/]*@)?([^:/]+):(.*)$/.exec(remote) ?? []
  if (host === undefined) return undefined
  const clean = posix.join('/', path ?? '').replace(/(.)\/$/, '$1')
  const part = subdir === '' ? '' : `:${subdir}`
  return `git://${host}${clean}${ref === '' && part === '' ? '' : `#${ref}${part}`}`
}
