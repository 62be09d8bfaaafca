import { attestRequests, canonicalAttest, parseAttestEntries } from '../bake/attrs/attest-entry.ts'
import { parseCacheEntries } from '../bake/attrs/cache-entry.ts'
import { parseCallFunction } from '../bake/attrs/call-function.ts'
import { parseExportEntries } from '../bake/attrs/export-entry.ts'
import { parsePolicyEntries, type PolicyEntry } from '../bake/attrs/policy-entry.ts'
import { parseResourceLimits } from '../bake/attrs/resources.ts'
import { parseSecretEntries } from '../bake/attrs/secret-entry.ts'
import { parseSshEntries } from '../bake/attrs/ssh-entry.ts'
import type { ExportEntry } from '../bake/attrs/export-entry.ts'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { callText } from './request-from-target.ts'
import { quote } from '../gostd/quote.ts'
import { parseAnnotationFlags, type RequestedAnnotation } from '../oci/annotation-flag.ts'
import type { Platform } from '../oci/descriptor.ts'
import { formatPlatform } from '../oci/platform.ts'
import { parsePlatformList } from '../oci/platform-list.ts'
import { parseReference, parseTag, type Reference, withDefaultTag } from '../oci/reference.ts'
import { parseGrants } from './build-entitlements.ts'
import type { BuildRequest } from './build-request.ts'
import { envSwitch } from './env-switch.ts'
import { extraHosts } from './extra-hosts.ts'
import { resourceAttributes } from './resource-attributes.ts'

/** Values of the flags of `build`, as texts. */
export interface BuildFlagValues {
  readonly addHost: readonly string[]
  readonly allow: readonly string[]
  readonly annotation: readonly string[]
  readonly attest: readonly string[]
  readonly buildArg: readonly string[]
  readonly buildContext: readonly string[]
  readonly cacheFrom: readonly string[]
  readonly cacheTo: readonly string[]
  readonly call: string
  readonly cgroupParent: string
  readonly file: string
  readonly label: readonly string[]
  readonly load: boolean
  readonly network: string
  readonly noCache: boolean
  readonly noCacheFilter: readonly string[]
  readonly output: readonly string[]
  readonly platform: readonly string[]
  readonly policy: readonly string[]
  readonly provenance: string
  readonly pull: boolean
  readonly push: boolean
  readonly resource: readonly string[]
  readonly sbom: string
  readonly secret: readonly string[]
  readonly shmSize: number
  readonly ssh: readonly string[]
  readonly tag: readonly string[]
  readonly target: string
  readonly ulimit: readonly {
    readonly name: string
    readonly soft: number | bigint
    readonly hard: number | bigint
  }[]
}

/** What decides about flags besides the flags. */
export interface RequestHost {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly hostPlatform: Platform
}

/** What flags say by their form, each for itself. */
export interface FlagForms
  extends Pick<
    BuildRequest,
    'contexts' | 'buildArgs' | 'labels' | 'cacheFrom' | 'cacheTo' | 'secrets' | 'ssh' | 'call'
  > {
  readonly attests: ReadonlyMap<string, string | undefined>
  readonly outputs: readonly ExportEntry[]
  readonly policies: readonly PolicyEntry[]
}

/** Reads the form of the flags of `build`, in buildx's order. Throws `invalid-argument` in its words. */
export function readFlagForms(flags: BuildFlagValues, { env }: Pick<RequestHost, 'env'>): FlagForms {
  const given = buildArgs(flags.buildArg, env)
  const labels = Object.fromEntries(flags.label.map(splitPair))
  const policies = parsePolicyEntries(flags.policy)
  const shorthands = [
    canonicalAttest('provenance', flags.provenance),
    canonicalAttest('sbom', flags.sbom),
  ].filter(text => text !== '')
  const attests = attestRequests(parseAttestEntries([...flags.attest, ...shorthands]))
  const contexts = Object.fromEntries(flags.buildContext.filter(text => text !== '').map(parseContext))
  const outputs = parseExportEntries(flags.output)
  const cacheFrom = parseCacheEntries(flags.cacheFrom)
  const cacheTo = parseCacheEntries(flags.cacheTo)
  const secrets = parseSecretEntries(flags.secret)
  const ssh = parseSshEntries(flags.ssh)
  const call = parseCallFunction(flags.call)
  return {
    ...{ buildArgs: given, labels, policies, attests, contexts, outputs, cacheFrom, cacheTo, secrets, ssh },
    ...(call === undefined ? {} : { call: callText(call) }),
  }
}

/** Reads the flags of `build` into a request. Throws `invalid-argument` in buildx's words. */
export function requestFromFlags(
  context: string,
  flags: BuildFlagValues,
  host: RequestHost,
  forms: FlagForms = readFlagForms(flags, host),
): BuildRequest {
  const { policies, attests, outputs, ...form } = forms
  return asBuild(() => {
    const resources = resourceAttributes(parseResourceLimits(flags.resource))
    const platforms = parsePlatformList(flags.platform, host.hostPlatform)
    const { allow, localDelete } = parseGrants(flags.allow)
    const annotations = readAnnotations(flags.annotation, host.hostPlatform)
    refusePolicies(policies)
    const tags = checkedTags(flags.tag)
    return {
      ...form,
      context,
      ...(flags.file === '' ? {} : { dockerfile: flags.file }),
      platforms,
      tags,
      ...(flags.target === '' ? {} : { target: flags.target }),
      noCache: flags.noCache,
      noCacheFilter: flags.noCacheFilter.flatMap(text => text.split(',')),
      pull: flags.pull,
      outputs: withShorthands(outputs, flags).map(output => annotated(output, annotations)),
      attests: attestsOf(attests, host.env),
      localDelete,
      allow: [...allow, ...(flags.network === 'host' ? ['network.host'] : [])],
      network: checkNetwork(flags.network),
      extraHosts: extraHosts(flags.addHost),
      ...(flags.shmSize > 0 ? { shmSize: flags.shmSize } : {}),
      ulimits: flags.ulimit.map(limit => `${limit.name}=${limit.soft}:${limit.hard}`),
      ...(flags.cgroupParent === '' ? {} : { cgroupParent: flags.cgroupParent }),
      resources,
    }
  })
}

/** Tags as they were given: the engine fills in what they leave out. Throws `invalid-argument`. */
export function checkedTags(tags: readonly string[]): readonly string[] {
  for (const tag of tags) parseTag(tag)
  return tags
}

/** Values of `--annotation`. Throws `invalid-argument` in buildx's words. */
export function readAnnotations(
  values: readonly string[],
  hostPlatform: Platform,
): readonly RequestedAnnotation[] {
  try {
    return parseAnnotationFlags(values, hostPlatform)
  } catch (error) {
    throw wrapError('parse annotations', error)
  }
}

/** An output with annotations among its attributes. */
export function annotated<T extends { readonly attributes: Readonly<Record<string, string>> }>(
  output: T,
  annotations: readonly RequestedAnnotation[],
): T {
  const added = Object.fromEntries(annotations.map(one => [annotationAttribute(one), one.value]))
  return { ...output, attributes: { ...output.attributes, ...added } }
}

/**
 * The name under which exporters take an annotation.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/exporter/containerimage/exptypes/annotations.go
 */
function annotationAttribute({ type, platform, key }: RequestedAnnotation): string {
  const place = platform === undefined ? '' : `[${formatPlatform(platform)}]`
  return `annotation${type === undefined ? '' : `-${type}`}${place}.${key}`
}

/** What buildx looks at only when the build has begun, and says so. */
function asBuild<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw wrapError('failed to build', error)
  }
}

/** Policies written in Rego are not evaluated; a build that counts on one must not go on without it. */
function refusePolicies(entries: readonly PolicyEntry[]): void {
  const isAlone = (entry: PolicyEntry): boolean => entries.length === 1 && isOnlyDisabled(entry)
  if (entries.some(entry => entry.disabled && !isAlone(entry))) {
    throw new SlipwayError('invalid-argument', 'disabled policy cannot be combined with other policy flags')
  }
  if (entries.some(entry => entry.disabled) || entries.every(entry => entry.files.length === 0)) return
  throw new SlipwayError('unimplemented', 'policy files are not supported', {
    hint: 'rules in JSON are: EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=FILE; --policy disabled=true builds without policies',
  })
}

function isOnlyDisabled(entry: PolicyEntry): boolean {
  return (
    entry.files.length === 0 && !entry.reset && entry.strict === undefined && entry.logLevel === undefined
  )
}

function refuseEmptyKey(text: string): void {
  if (text === '' || text.startsWith('='))
    throw new SlipwayError('invalid-argument', `invalid key-value pair ${quote(text)}: empty key`)
}

function splitPair(text: string): [string, string] {
  refuseEmptyKey(text)
  const at = text.indexOf('=')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function buildArgs(values: readonly string[], env: RequestHost['env']): Record<string, string> {
  const args: Record<string, string> = {}
  for (const value of values) {
    refuseEmptyKey(value)
    const at = value.indexOf('=')
    const name = at < 0 ? value : value.slice(0, at)
    const given = at < 0 ? env[name] : value.slice(at + 1)
    if (given !== undefined) args[name] = given
  }
  const epoch = env['SOURCE_DATE_EPOCH']
  if (epoch !== undefined && args['SOURCE_DATE_EPOCH'] === undefined) args['SOURCE_DATE_EPOCH'] = epoch
  return args
}

function contextName(name: string): Reference {
  try {
    if (name === '') throw new SlipwayError('invalid-argument', 'invalid reference format')
    return parseReference(name)
  } catch (error) {
    throw wrapError(`invalid context name ${name}`, error)
  }
}

function parseContext(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 0) throw new SlipwayError('invalid-argument', `invalid context value: ${text}, expected key=value`)
  const name = text.slice(0, at)
  const value = text.slice(at + 1)
  const { domain, path, tag } = withDefaultTag(contextName(name))
  const familiar = domain === 'docker.io' ? path.replace(/^library\//, '') : `${domain}/${path}`
  return [tag === undefined || tag === 'latest' ? familiar : `${familiar}:${tag}`, value]
}

/** Refuses networks that builds do not have. Throws `invalid-argument`. */
export function checkNetwork(mode: string): string {
  if (['', 'default', 'host', 'none'].includes(mode)) return mode
  throw new SlipwayError(
    'invalid-argument',
    `network mode ${JSON.stringify(mode)} not supported by buildkit - you can define a custom network for your builder using the network driver-opt in buildx create`,
  )
}

/** Statements wanted as the frontend is told of them, with the default one where nothing is said. */
export function attestsOf(
  requests: ReadonlyMap<string, string | undefined>,
  env: RequestHost['env'],
): Record<string, string> {
  const attests: Record<string, string> = {}
  for (const [type, value] of requests) if (value !== undefined) attests[type] = value
  if (!requests.has('provenance') && !envSwitch(env, 'BUILDX_NO_DEFAULT_ATTESTATIONS'))
    attests['provenance'] = 'mode=min,inline-only=true'
  return attests
}

/** `--push` makes images of the outputs be pushed, or adds an output; `--load` adds one for the local daemon. */
function withShorthands(outputs: readonly ExportEntry[], flags: BuildFlagValues): readonly ExportEntry[] {
  let result = [...outputs]
  if (flags.push) {
    const images = result.filter(output => output.type === 'image' || output.type === 'registry')
    if (images.length === 0) result.push({ type: 'registry', attributes: { unpack: 'false' } })
    else
      result = result.map(output =>
        images.includes(output)
          ? { ...output, attributes: { unpack: 'false', ...output.attributes, push: 'true' } }
          : output,
      )
  }
  if (flags.load && !result.some(output => output.type === 'docker' && output.destination === undefined))
    result.push({ type: 'docker', attributes: {} })
  return result
}
