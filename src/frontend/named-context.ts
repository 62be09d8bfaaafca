import { gitState } from '../dockerfile/git/git-state.ts'
import type { NamedContext, NamedContextRequest } from '../dockerfile/convert/host.ts'
import { parseIgnoreFile } from '../dockerfile/ignore/ignore-file.ts'
import { decodeName } from '../bytes/path-string.ts'
import { isSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { quote } from '../gostd/quote.ts'
import { http } from '../llb/http-source.ts'
import { definitionState } from '../llb/import-definition.ts'
import { image as imageSource, local, ociLayout } from '../llb/source.ts'
import { scratch, type State, stateOf, withImageConfig } from '../llb/state.ts'
import { type ImageConfig, parseImageConfig } from '../oci/image-config.ts'
import { isDigest } from '../oci/digest.ts'
import { formatPlatformAll, normalizePlatform } from '../oci/platform.ts'
import {
  familiarReference,
  formatReference,
  parseReference,
  withDefaultTag,
  withDigest,
} from '../oci/reference.ts'
import { attribute } from './attributes.ts'
import { readIgnoreFile } from './read-ignore.ts'
import { type FrontendScope, sessionOf, solveState } from './scope.ts'

/** What a context is loaded as: a tree, and its configuration where it is an image. */
interface Loaded {
  readonly state: State
  readonly image: ImageConfig | undefined
}

/** Policies may send a context on to another, this often. */
const maxRedirects = 10

/**
 * The context that replaces an image or stage: `context:<name>::<platform>` before `context:<name>`. Throws
 * `invalid-argument` for what cannot be a name.
 */
export function findNamedContext<Ref>(
  name: string,
  request: NamedContextRequest,
  scope: FrontendScope<Ref>,
): NamedContext | undefined {
  const short = shortName(name)
  const platform = normalizePlatform(request.platform ?? scope.bridge.facts.hostPlatform)
  for (const key of [`${short}::${formatPlatformAll(platform)}`, short]) {
    const input = attribute(scope.attributes, `context:${key}`)
    if (input === undefined) continue
    const context = new ContextLoader(short, key, request, scope)
    return { load: async () => await context.load(input) }
  }
  return undefined
}

function shortName(name: string): string {
  try {
    return familiarReference(parseReference(name)).replace(/:latest$/, '')
  } catch (error) {
    throw wrapError(`invalid context name ${name}`, error)
  }
}

class ContextLoader<Ref> {
  readonly #name: string
  readonly #key: string
  readonly #request: NamedContextRequest
  readonly #scope: FrontendScope<Ref>

  constructor(name: string, key: string, request: NamedContextRequest, scope: FrontendScope<Ref>) {
    this.#name = name
    this.#key = key
    this.#request = request
    this.#scope = scope
  }

  async load(input: string, redirects = 0): Promise<Loaded> {
    if (redirects > maxRedirects) {
      throw invalid(
        `context recursion limit exceeded; this may indicate a cycle in the provided source policies: ${input}`,
      )
    }
    const at = input.indexOf(':')
    if (at < 0) throw invalid(`invalid context specifier ${input} for ${this.#key}`)
    const scheme = input.slice(0, at)
    const rest = input.slice(at + 1)
    switch (scheme.startsWith('git@') ? 'git' : scheme) {
      case 'docker-image':
        return await this.#image(rest.replace(/^\/\//, ''), redirects)
      case 'git':
        return { state: this.#git(input) ?? this.#invalidGit(input), image: undefined }
      case 'http':
      case 'https':
        return { state: this.#git(input) ?? this.#http(input), image: undefined }
      case 'oci-layout':
        return await this.#ociLayout(rest.replace(/^\/\//, ''))
      case 'local':
        return { state: await this.#local(rest), image: undefined }
      case 'input':
        return await this.#input(rest)
      default:
        throw invalid(`unsupported context source ${scheme} for ${this.#key}`)
    }
  }

  async #image(ref: string, redirects: number): Promise<Loaded> {
    if (ref === 'scratch') return { state: scratch, image: undefined }
    const { platform, resolveMode } = this.#request
    const name = formatReference(withDefaultTag(parseReference(ref)))
    const logName = `[context ${this.#key}] load metadata for ${ref}`
    const { bridge, signal } = this.#scope
    const lookup = { platform, resolveMode, logName }
    const meta = await bridge.resolveImage(name, lookup, signal).catch((error: unknown) => redirectOf(error))
    if (typeof meta === 'string') return await this.load(meta, redirects + 1)
    const image = parseImageConfig(meta.config)
    const { created: _, ...rest } = image
    const state = imageSource(meta.name, { name: `[context ${this.#key}] ${ref}`, platform })
    return { state: withImageConfig(state, image), image: rest }
  }

  #git(input: string): State | undefined {
    return gitState(input)
  }

  #invalidGit(input: string): never {
    throw invalid(`invalid git context ${input}`)
  }

  #http(input: string): State {
    return http(input, { filename: 'context', name: `[context ${this.#key}] ${input}` })
  }

  async #ociLayout(spec: string): Promise<Loaded> {
    const { storeId, digest } = parseLayoutReference(spec)
    const { bridge, signal } = this.#scope
    const { platform, resolveMode } = this.#request
    const name = formatReference(withDigest(parseReference(this.#name), digest))
    const store = { sessionId: bridge.facts.sessionId, storeId }
    const logName = `[context ${this.#key}] load metadata for ${name}`
    const meta = await bridge.resolveImage(name, { platform, resolveMode, logName, store }, signal)
    let image: ImageConfig
    try {
      image = parseImageConfig(meta.config)
    } catch (error) {
      throw wrapError('could not parse oci-layout image config', error)
    }
    const step = `[context ${this.#key}] OCI load from client`
    const state = ociLayout(name, { ...store, name: step, platform })
    return { state: withImageConfig(state, image), image }
  }

  /** Which paths are needed is only known when everything is converted: the source is made then. */
  async #local(name: string): Promise<State> {
    const exclude = await this.#localIgnores(name)
    const sharedKey = attribute(this.#scope.attributes, `sharedkey:localdir:${this.#key}`) ?? ''
    const resolve = () => {
      const follow = this.#request.paths()
      return local(name, {
        name: `[context ${this.#key}] load from client`,
        sessionId: sessionOf(name, this.#scope),
        sharedKeyHint: `context:${this.#key}-${sharedKey}`,
        exclude,
        ...(follow === undefined ? {} : { follow }),
      }).output
    }
    let output: ReturnType<typeof resolve>
    return stateOf({ kind: 'later', resolve: () => (output ??= resolve()) })
  }

  async #localIgnores(name: string): Promise<string[]> {
    const scope = this.#scope
    const state = local(name, {
      name: `[context ${this.#key}] load .dockerignore`,
      sessionId: sessionOf(name, scope),
      follow: ['.dockerignore'],
      sharedKeyHint: `context:${this.#key}-.dockerignore`,
      differ: { type: 'none', required: false },
    })
    const ref = await solveState(state, scope, true)
    const data = await readIgnoreFile(ref, '.dockerignore', scope)
    if (data === undefined) return []
    try {
      return parseIgnoreFile(decodeName(data))
    } catch (error) {
      throw wrapError('failed parsing .dockerignore', error)
    }
  }

  async #input(name: string): Promise<Loaded> {
    const inputs = await this.#scope.bridge.inputs(this.#scope.signal)
    const definition = Object.hasOwn(inputs, name) ? inputs[name] : undefined
    if (definition === undefined) throw invalid(`invalid input ${name} for ${this.#key}`)
    const state = definitionState(definition)
    const metadata = attribute(this.#scope.attributes, `input-metadata:${name}`)
    const config = metadata === undefined ? undefined : configOfMetadata(metadata)
    if (config === undefined) return { state, image: undefined }
    try {
      const image = parseImageConfig(config)
      return { state: withImageConfig(state, image), image }
    } catch (error) {
      throw wrapError(`failed to parse image config for ${this.#key}`, error)
    }
  }
}

/** The new identifier, where a policy turned an image into something else; throws all other errors. */
function redirectOf(error: unknown): string {
  const details = isSlipwayError(error) ? error.details : []
  const identifier = details.find(detail => detail.type === 'slipway.NotAnImage')?.['identifier']
  if (typeof identifier !== 'string') throw error
  const at = identifier.indexOf('://')
  if (at < 0) throw invalid(`could not parse ref: ${identifier}`)
  return `${identifier.slice(0, at)}:${identifier.slice(at + 3)}`
}

/** `store[:tag]@sha256:…` of an OCI layout. */
function parseLayoutReference(spec: string) {
  const [, name = '', , digest = ''] = /^([^@]*?)(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(?:@(.*))?$/s.exec(spec) ?? []
  if (name === '') throw invalid(`oci-layout reference ${quote(spec)} has no name`)
  if (digest === '') throw invalid(`oci-layout reference ${quote(spec)} has no digest`)
  if (!isDigest(digest)) {
    throw invalid(`could not parse oci-layout reference ${quote(spec)}: invalid reference format`)
  }
  return { storeId: name, digest }
}

/** The image configuration inside the metadata of an input: a JSON object of base64 texts. */
function configOfMetadata(metadata: string): Uint8Array | undefined {
  try {
    const value: unknown = JSON.parse(metadata)
    const config = (value as Record<string, unknown> | null)?.['containerimage.config']
    return typeof config === 'string' ? Buffer.from(config, 'base64') : undefined
  } catch (error) {
    throw wrapError(`failed to parse input metadata ${metadata}`, error)
  }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
