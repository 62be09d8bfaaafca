import { collect } from '../bytes/collect.ts'
import { verify } from '../bytes/verify.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Descriptor } from './descriptor.ts'
import { type Digest, digestOf, isDigest } from './digest.ts'
import type { ImageStore, OpenBlob, ResolvedManifest, StoreOptions } from './image-store.ts'
import { parseManifest } from './manifest.ts'

/** An image store in memory: for tests, and for images put together before they are sent anywhere. */
export class MemoryImageStore implements ImageStore {
  readonly name: string
  readonly #blobs = new Map<Digest, Uint8Array>()
  readonly #manifests = new Map<Digest, Descriptor>()
  readonly #tags = new Map<string, Digest>()

  constructor(name = 'memory') {
    this.name = name
  }

  async head(target: string): Promise<Descriptor | undefined> {
    const digest = isDigest(target) ? target : this.#tags.get(target)
    return digest === undefined ? undefined : this.#manifests.get(digest)
  }

  async resolve(target: string): Promise<ResolvedManifest> {
    const descriptor = await this.head(target)
    if (descriptor === undefined) throw this.#notFound(target)
    return { descriptor, bytes: this.#blobs.get(descriptor.digest) as Uint8Array }
  }

  async *fetch(descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    const bytes = this.#blobs.get(descriptor.digest)
    if (bytes === undefined) throw this.#notFound(descriptor.digest)
    yield bytes
  }

  async referrers(
    subject: Digest,
    options: { readonly artifactTypes?: readonly string[] } = {},
  ): Promise<readonly Descriptor[]> {
    const found: Descriptor[] = []
    for (const descriptor of this.#manifests.values()) {
      const parsed = parseManifest(this.#blobs.get(descriptor.digest) as Uint8Array, descriptor.mediaType)
      const document = parsed.kind === 'index' ? parsed.index : parsed.manifest
      if (document.subject?.digest !== subject) continue
      const type =
        document.artifactType ?? (parsed.kind === 'manifest' ? parsed.manifest.config.mediaType : undefined)
      if (options.artifactTypes !== undefined && !options.artifactTypes.includes(type ?? '')) continue
      const { annotations } = document
      found.push({
        ...descriptor,
        ...(type === undefined ? {} : { artifactType: type }),
        ...(annotations === undefined ? {} : { annotations }),
      })
    }
    return found
  }

  async tags(): Promise<readonly string[]> {
    return [...this.#tags.keys()]
  }

  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    return this.#blobs.has(descriptor.digest)
  }

  async putBlob(descriptor: Descriptor, open: OpenBlob, _options?: StoreOptions): Promise<void> {
    const bytes = await collect(verify(open(0), descriptor), { limit: descriptor.size, what: 'blob' })
    this.#blobs.set(descriptor.digest, bytes)
  }

  async mountBlob(): Promise<boolean> {
    return false
  }

  async putManifest(
    descriptor: Descriptor,
    bytes: Uint8Array,
    options: { readonly tags?: readonly string[] } = {},
  ): Promise<void> {
    if (digestOf(bytes) !== descriptor.digest) {
      throw new SlipwayError(
        'data-loss',
        `unexpected commit digest ${digestOf(bytes)}, expected ${descriptor.digest}`,
      )
    }
    parseManifest(bytes, descriptor.mediaType)
    const { mediaType, digest, size } = descriptor
    this.#blobs.set(digest, bytes)
    this.#manifests.set(digest, { mediaType, digest, size })
    for (const tag of options.tags ?? []) this.#tags.set(tag, digest)
  }

  #notFound(target: string): SlipwayError {
    const separator = isDigest(target) ? '@' : ':'
    return new SlipwayError('not-found', `${this.name}${separator}${target}: not found`)
  }
}
