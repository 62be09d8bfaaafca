import type { ContentStore } from '../content/content-store.ts'
import type { ImageNames } from '../content/image-names.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { ExportContext } from '../exporter/export-context.ts'
import type { PushTarget } from '../exporter/push.ts'
import type { ImageStore } from '../oci/image-store.ts'
import { parseManifest } from '../oci/manifest.ts'
import { isDigest } from '../oci/digest.ts'
import { parseReference, type Reference, repositoryName } from '../oci/reference.ts'
import type { CredentialProvider, TokenProvider } from '../registry/auth/credential.ts'
import type { Transport } from '../registry/http/transport.ts'
import { RegistryClient } from '../registry/registry-client.ts'
import type { RegistryConfigs } from '../registry/registry-config.ts'
import type { SessionStore } from '../session/session.ts'
import { clientLayout } from '../source/image/client-layout.ts'
import type { ClientStore, ImageLookup } from '../source/image/resolve-image.ts'
import type { SourceContext } from '../source/source-context.ts'

/** Who vouches for a build at registries: the session of its client. */
export interface SessionCredentials {
  readonly credentials: CredentialProvider
  readonly tokens?: TokenProvider
}

/** What lookups are made of. */
export interface RegistryOptions {
  readonly transport: Transport
  readonly registries: RegistryConfigs
  readonly credentialsOf: (sessions: readonly string[]) => SessionCredentials
  readonly content: ContentStore
  readonly images: ImageNames
  readonly sessions: SessionStore
  /** Transfers from and to one registry at the same time, for each session; undefined for the usual number. */
  readonly maxTransfers: number | undefined
}

/** Registries as the builds of one engine see them: one client for each session, so that tokens are not shared. */
export class RegistryLookup implements ImageLookup {
  readonly #options: RegistryOptions
  readonly #clients = new Map<string, RegistryClient>()

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  remote(reference: Reference, ctx: { sessions(): readonly string[] }): ImageStore {
    return this.#client(ctx.sessions()).repository(reference)
  }

  local(reference: Reference): ImageStore {
    return localImages(reference, this.#options)
  }

  layout(store: ClientStore, ctx: SourceContext): ImageStore {
    return clientLayout(store, this.#options.sessions, ctx)
  }

  pushTarget(
    reference: Reference,
    options: { insecure: boolean; byDigest: boolean },
    ctx: ExportContext,
  ): PushTarget {
    const client = options.insecure
      ? this.#insecureClient(reference, ctx.sessionId)
      : this.#client([ctx.sessionId])
    const notice = (line: string): void => ctx.progress.log(2, Buffer.from(`${line}\n`))
    return {
      reference,
      store: client.repository(reference, notice),
      byDigest: options.byDigest,
      mountSource(repository) {
        const from = parseReference(repository)
        return from.domain === reference.domain ? client.repository(from) : undefined
      },
    }
  }

  /** A repository for reading and writing. `insecure`: without TLS, or without checking whom it speaks to. */
  repository(reference: Reference, insecure: boolean, sessionId: string): ImageStore {
    const client = insecure ? this.#insecureClient(reference, sessionId) : this.#client([sessionId])
    return client.repository(reference)
  }

  /** Forgets a session's tokens. */
  release(sessionId: string): void {
    this.#clients.delete(sessionId)
  }

  #client(sessions: readonly string[]): RegistryClient {
    const key = sessions.at(-1) ?? ''
    const known = this.#clients.get(key)
    if (known) return known
    const client = new RegistryClient({
      ...(this.#options.maxTransfers === undefined ? {} : { maxTransfers: this.#options.maxTransfers }),
      transport: this.#options.transport,
      registries: this.#options.registries,
      ...this.#options.credentialsOf(sessions),
    })
    this.#clients.set(key, client)
    return client
  }

  #insecureClient(reference: Reference, sessionId: string): RegistryClient {
    const registries = { ...this.#options.registries }
    registries[reference.domain] = { ...registries[reference.domain], insecure: true, http: true }
    return new RegistryClient({
      ...(this.#options.maxTransfers === undefined ? {} : { maxTransfers: this.#options.maxTransfers }),
      transport: this.#options.transport,
      registries,
      ...this.#options.credentialsOf([sessionId]),
    })
  }
}

const readOnly = (): never => {
  throw new SlipwayError('unimplemented', 'the local store is written to by exports')
}

/** Images of the local store that are named in one repository, by tag or by digest. */
function localImages(reference: Reference, { content, images }: RegistryOptions): ImageStore {
  const name = repositoryName(reference)
  const find: ImageStore['head'] = async target => {
    if (!isDigest(target)) return images.get(`${name}:${target}`)?.descriptor
    for (const { reference, descriptor } of images.list()) {
      if (!reference.startsWith(`${name}:`) && !reference.startsWith(`${name}@`)) continue
      if (descriptor.digest === target) return descriptor
      const parsed = parseManifest(await content.readAll(descriptor.digest), descriptor.mediaType)
      const inner = parsed.kind === 'index' ? parsed.index.manifests : []
      const found = inner.find(one => one.digest === target)
      if (found !== undefined && (await content.size(target)) !== undefined) return found
    }
    return undefined
  }
  return {
    name,
    head: find,
    async resolve(target, options) {
      const descriptor = await find(target, options)
      if (descriptor === undefined) throw new SlipwayError('not-found', `${name}:${target}: not found`)
      return { descriptor, bytes: await content.readAll(descriptor.digest) }
    },
    fetch: (descriptor, options) =>
      content.read(descriptor.digest, options?.signal ? { signal: options.signal } : {}),
    referrers: async () => [],
    tags: async () =>
      images
        .list()
        .flatMap(image =>
          image.reference.startsWith(`${name}:`) ? [image.reference.slice(name.length + 1)] : [],
        ),
    hasBlob: async descriptor => (await content.size(descriptor.digest)) !== undefined,
    putBlob: readOnly,
    mountBlob: async () => false,
    putManifest: readOnly,
  }
}
