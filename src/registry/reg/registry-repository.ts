import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { ImageStore, OpenBlob, ResolvedManifest, StoreOptions } from '../../oci/image-store.ts'
import { fetchContent, hasBlob } from './blob.ts'
import { getManifest, headManifest, putManifest } from './manifest.ts'
import { addReferrer, listReferrers } from './referrer.ts'
import type { RepositoryContext } from './repository-context.ts'
import { listTags } from './tag.ts'
import { mountBlob, type UploadSession, uploadBlob } from './upload.ts'

/** A repository of a registry as an image store. Made by `RegistryClient.repository`. */
export class RegistryRepository implements ImageStore {
  readonly name: string
  readonly domain: string
  readonly path: string
  readonly #context: RepositoryContext
  /** Uploads that refused mounts left open, by digest. */
  readonly #sessions = new Map<Digest, UploadSession>()

  constructor(context: RepositoryContext) {
    this.#context = context
    this.domain = context.domain
    this.path = context.path
    this.name = `${context.domain}/${context.path}`
  }

  async head(target: string, options: StoreOptions = {}): Promise<Descriptor | undefined> {
    return await headManifest(this.#context, target, options.signal)
  }

  async resolve(target: string, options: StoreOptions = {}): Promise<ResolvedManifest> {
    return await getManifest(this.#context, target, options.signal)
  }

  fetch(descriptor: Descriptor, options: StoreOptions = {}): AsyncIterable<Uint8Array> {
    return fetchContent(this.#context, descriptor, options.signal)
  }

  async referrers(
    subject: Digest,
    options: StoreOptions & { readonly artifactTypes?: readonly string[] } = {},
  ): Promise<readonly Descriptor[]> {
    return await listReferrers(this.#context, subject, options)
  }

  async tags(options: StoreOptions = {}): Promise<readonly string[]> {
    return await listTags(this.#context, options.signal)
  }

  async hasBlob(descriptor: Descriptor, options: StoreOptions = {}): Promise<boolean> {
    return await hasBlob(this.#context, descriptor, options.signal)
  }

  async putBlob(descriptor: Descriptor, open: OpenBlob, options: StoreOptions = {}): Promise<void> {
    const session = this.#sessions.get(descriptor.digest)
    this.#sessions.delete(descriptor.digest)
    await uploadBlob(this.#context, descriptor, open, { session, signal: options.signal })
  }

  async mountBlob(descriptor: Descriptor, from: ImageStore, options: StoreOptions = {}): Promise<boolean> {
    if (!(from instanceof RegistryRepository) || from.domain !== this.domain || from.path === this.path)
      return false
    const result = await mountBlob(this.#context, descriptor.digest, from.path, options.signal)
    if (result.session !== undefined) this.#sessions.set(descriptor.digest, result.session)
    return result.mounted
  }

  async putManifest(
    descriptor: Descriptor,
    bytes: Uint8Array,
    options: StoreOptions & { readonly tags?: readonly string[] } = {},
  ): Promise<void> {
    const stored = await putManifest(this.#context, descriptor, bytes, options)
    if (!stored.indexed) await addReferrer(this.#context, descriptor, bytes, options.signal)
  }
}
