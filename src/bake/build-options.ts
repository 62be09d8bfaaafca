import { SlipwayError } from '../errors/slipway-error.ts'
import { ramInBytes } from '../gostd/byte-units.ts'
import { cleanPath } from '../hcl/functions/text.ts'
import { compareText } from '../hcl/value/compare-text.ts'
import { parseAnnotationFlags, type RequestedAnnotation } from '../oci/annotation-flag.ts'
import type { Platform } from '../oci/descriptor.ts'
import { parsePlatformList } from '../oci/platform-list.ts'
import { attestRequests } from './attrs/attest-entry.ts'
import type { CacheEntry } from './attrs/cache-entry.ts'
import {
  type ExportSurroundings,
  exportDestination,
  type PlannedExport,
  planExports,
} from './attrs/export-plan.ts'
import type { PolicyEntry } from './attrs/policy-entry.ts'
import { parseResourceLimits, type ResourceLimits, writeResources } from './attrs/resources.ts'
import { distinctSecrets, type SecretEntry } from './attrs/secret-entry.ts'
import type { SshEntry } from './attrs/ssh-entry.ts'
import { parseUlimit, type Ulimit } from '../gostd/ulimit.ts'
import { gitSecrets } from './git-secrets.ts'
import { isGitSsh, isRemoteUrl, remoteUrlWithFolder } from './remote-url.ts'
import type { OptionalTexts, Target } from './target.ts'

/** A context of a build. */
export interface BuildContext {
  /** A path, URL or special value; for a folder of a remote definition the URL of that folder. */
  readonly path: string
  /** Set for a folder inside the remote definition's source, relative to its root. */
  readonly folderOfRemote?: string
}

/** A target as a request to build; plain data, nothing has been read. */
export interface BuildOptions {
  readonly context: BuildContext
  /** Path of the Dockerfile, joined to a local context. */
  readonly dockerfile: string
  readonly dockerfileInline?: string
  readonly contexts: ReadonlyMap<string, BuildContext>
  readonly args: ReadonlyMap<string, string>
  readonly labels: ReadonlyMap<string, string>
  readonly tags: readonly string[]
  readonly platforms: readonly Platform[]
  /** The stage to build, the last one when absent. */
  readonly target?: string
  readonly cacheFrom: readonly CacheEntry[]
  readonly cacheTo: readonly CacheEntry[]
  readonly exports: readonly PlannedExport[]
  readonly secrets: readonly SecretEntry[]
  readonly ssh: readonly SshEntry[]
  /** Attestations by type: their attributes, `undefined` where switched off. */
  readonly attests: ReadonlyMap<string, string | undefined>
  readonly annotations: readonly RequestedAnnotation[]
  readonly pull: boolean
  readonly noCache: boolean
  readonly noCacheFilter: readonly string[]
  readonly network: string
  /** `host=ip`, sorted by host. */
  readonly extraHosts: readonly string[]
  /** Bytes, 0 for the default. */
  readonly shmSize: number
  readonly ulimits: readonly Ulimit[]
  readonly resources: ResourceLimits
  /** The value of `call`, as written. */
  readonly call?: string
  readonly entitlements: readonly string[]
  readonly policy: readonly PolicyEntry[]
  /** Built only because another target uses it. */
  readonly linked: boolean
}

/** What targets are turned into requests with. */
export interface BuildOptionsInput extends ExportSurroundings {
  /** URL of the remote definition, empty for a local one. */
  readonly remoteUrl: string
  /** The remote definition is a folder of files (Git, archive), so that relative contexts are folders in it. */
  readonly remoteHasFiles: boolean
  readonly workingDirectory: string
  /** The platform `local` stands for. */
  readonly localPlatform: Platform
  readonly environmentNames: readonly string[]
}

/** The request that a target makes. Throws `invalid-argument` for values that no build accepts. */
export function toBuildOptions(t: Target, input: BuildOptionsInput): BuildOptions {
  const { context, dockerfile, contexts } = resolvePaths(t, input)
  const ssh = t.ssh ?? []
  const usesGitSsh = (ssh.length === 0 && isGitSsh(context.path)) || isGitSsh(input.remoteUrl)
  const secrets = [...(t.secrets ?? []), ...gitSecrets(input.remoteUrl, context.path, input.environmentNames)]
  if (secrets.some(s => s.id === '')) throw new SlipwayError('invalid-argument', 'secret missing ID')
  return {
    context,
    dockerfile,
    contexts,
    ...(t.dockerfileInline === undefined ? {} : { dockerfileInline: t.dockerfileInline }),
    args: said(t.args),
    labels: said(t.labels),
    tags: t.tags ?? [],
    shmSize: t.shmSize === undefined ? 0 : bytes(t.shmSize),
    extraHosts: [...said(t.extraHosts)]
      .sort((a, b) => compareText(a[0], b[0]))
      .map(([host, ip]) => `${host}=${ip}`),
    platforms: parsePlatformList(t.platforms ?? [], input.localPlatform),
    secrets: distinctSecrets(secrets),
    ssh: usesGitSsh ? [{ id: 'default', paths: [] }] : ssh,
    ...(t.target === undefined ? {} : { target: t.target }),
    ...(t.call === undefined ? {} : { call: t.call }),
    cacheFrom: t.cacheFrom ?? [],
    cacheTo: t.cacheTo ?? [],
    exports: planExports(t.outputs ?? [], input),
    annotations: parseAnnotationFlags(t.annotations ?? [], input.localPlatform),
    attests: attestRequests(t.attest ?? []),
    ulimits: (t.ulimits ?? []).map(parseUlimit),
    resources: parseResourceLimits(writeResources(t.resources ?? {})),
    entitlements: t.entitlements ?? [],
    policy: t.policy ?? [],
    pull: t.pull === true,
    noCache: t.noCache === true,
    noCacheFilter: t.noCacheFilter ?? [],
    network: t.network ?? '',
    linked: t.linked === true,
  }
}

/** The target as `--print` shows it: its context as the build sees it, archives to standard output where nothing else is said. */
export function printedTarget(t: Target, options: BuildOptions): Target {
  const outputs = t.outputs?.map(o => {
    const destination = exportDestination(o)
    return destination === undefined ? o : { ...o, destination }
  })
  return { ...t, context: options.context.path, ...(outputs === undefined ? {} : { outputs }) }
}

function said(texts: OptionalTexts | undefined): ReadonlyMap<string, string> {
  return new Map([...(texts ?? [])].filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function bytes(text: string): number {
  try {
    return ramInBytes(text)
  } catch {
    throw invalid(`invalid value ${text} for membytes key shm-size`)
  }
}

const here = 'cwd://'

function resolvePaths(
  t: Target,
  input: BuildOptionsInput,
): Pick<BuildOptions, 'context' | 'dockerfile' | 'contexts'> {
  if (t.context === '-') throw invalid('context from stdin not allowed in bake')
  if (t.dockerfile === '-') throw invalid('dockerfile from stdin not allowed in bake')
  const given = t.context ?? '.'
  const path = given.startsWith(here) || isRemoteUrl(given) ? given : cleanPath(given)
  const remote = resolveContext(path, input)
  const dockerfile = resolveDockerfile(t.dockerfile ?? 'Dockerfile', remote, input)
  const contexts = new Map<string, BuildContext>()
  for (const [name, value] of t.contexts ?? [])
    contexts.set(name, localContext(resolveContext(value, input, isNamedSource(value))))
  return { context: localContext(remote), dockerfile, contexts }
}

function isNamedSource(value: string): boolean {
  return value.startsWith('target:') || value.startsWith('docker-image:')
}

/** With a remote definition, relative contexts lie in it. */
function resolveContext(
  path: string,
  { remoteUrl, remoteHasFiles }: BuildOptionsInput,
  keep = false,
): BuildContext {
  if (!remoteHasFiles || keep || path.startsWith(here) || (path !== '.' && isRemoteUrl(path))) return { path }
  if (path === '.') return { path: remoteUrl }
  return { path: remoteUrlWithFolder(remoteUrl, path), folderOfRemote: path }
}

function localContext(context: BuildContext): BuildContext {
  return context.path.startsWith(here)
    ? { ...context, path: cleanPath(context.path.slice(here.length)) }
    : context
}

function resolveDockerfile(given: string, context: BuildContext, input: BuildOptionsInput): string {
  if (given.startsWith(here)) return absolute(cleanPath(given.slice(here.length)), input.workingDirectory)
  const dockerfile = cleanPath(given)
  const isLocal = context.path.startsWith(here)
  const folder = localContext(context).path
  if (
    isLocal &&
    isRemoteUrl(input.remoteUrl) &&
    !isRemoteUrl(dockerfile) &&
    input.stat(cleanPath(`${folder}/${dockerfile}`)) !== undefined
  ) {
    throw invalid('reading a dockerfile for a remote build invocation is currently not supported')
  }
  if (isRemoteUrl(folder) || context.folderOfRemote !== undefined || dockerfile.startsWith('/'))
    return dockerfile
  return cleanPath(`${folder}/${dockerfile}`)
}

function absolute(path: string, workingDirectory: string): string {
  return path.startsWith('/') ? path : cleanPath(`${workingDirectory}/${path}`)
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
