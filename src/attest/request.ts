import { redactUrl } from './redact-url.ts'
import type { Sources } from './sources.ts'

/** Digests by algorithm. */
export type DigestSet = Readonly<Record<string, string>>

/** Where the recipe of a build came from. */
export interface ConfigSource {
  readonly uri?: string
  readonly digest?: DigestSet
  readonly path?: string
}

/** What a frontend was asked for. */
export interface FrontendRequest {
  readonly frontend: string
  readonly options: Readonly<Record<string, string>>
}

/** A request as provenance tells it: options that describe the recipe are taken out into `configSource`. */
export interface RequestRecord {
  readonly configSource: ConfigSource
  readonly frontend: string
  readonly args: Readonly<Record<string, string>>
  /** Requests that made inputs of this one. */
  readonly inputs?: Readonly<Record<string, RequestRecord>>
  /** The request that the client made, where this one is another. */
  readonly root?: RequestRecord
}

/** A Git URL in the form `remote#ref[:subdir]`; undefined for what is no Git URL. */
export type GitForm = (url: string, withSubdir: boolean) => string | undefined

/** About the machine or the way of the build, not about what is built. */
const hostSpecific = ['cgroup-parent', 'image-resolve-mode', 'platform', 'cache-imports']

/** Options that provenance keeps; credentials in URLs of contexts and of arguments (proxies) are hidden. */
export function recordedArgs(options: Readonly<Record<string, string>>): Record<string, string> {
  const contextKey = options['contextkey'] || 'context'
  const kept: Record<string, string> = {}
  for (const [key, value] of Object.entries(options)) {
    if (hostSpecific.includes(key) || key.startsWith('attest:')) continue
    const mayBeUrl = key === contextKey || /^(?:context|build-arg):/.test(key)
    kept[key] = mayBeUrl ? redactUrl(value) : value
  }
  return kept
}

/**
 * Tells what was asked for. Behaviour: RequestProvenance of
 * https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/provenance/predicate.go
 */
export function recordRequest(request: FrontendRequest, sources: Sources, gitForm: GitForm): RequestRecord {
  const args = recordedArgs(request.options)
  const contextKey = args['contextkey'] || (args['input:context'] ? 'input:context' : 'context')
  const context = args[contextKey]
  let source: ConfigSource = {}
  if (context) {
    source = contextSource(context, sources, gitForm)
    delete args[contextKey]
  }
  const path = args['filename']
  if (path) {
    source = { ...source, path }
    delete args['filename']
  }
  return { configSource: source, frontend: request.frontend, args }
}

function contextSource(context: string, sources: Sources, gitForm: GitForm): ConfigSource {
  const repository = gitForm(context, false) ?? context
  const commit = sources.git.find(one => one.url === repository)
  if (commit) {
    return { uri: redactUrl(gitForm(context, true) ?? context), digest: commitDigest(commit.commit) }
  }
  const file = sources.http.find(one => one.url === context)
  if (file) return { uri: redactUrl(file.url), digest: digestSet(file.digest) }
  return { uri: redactUrl(context) }
}

/** A commit as a digest: SHA-1 or SHA-256 by its length. */
export const commitDigest = (commit: string): DigestSet => ({
  [commit.length === 64 ? 'sha256' : 'sha1']: commit,
})

/** `sha256:…` as a set. */
export function digestSet(digest: string): DigestSet {
  const at = digest.indexOf(':')
  return { [digest.slice(0, at)]: digest.slice(at + 1) }
}

/** Whether two requests say the same. */
export function sameRequest(a: RequestRecord | undefined, b: RequestRecord | undefined): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`
}
