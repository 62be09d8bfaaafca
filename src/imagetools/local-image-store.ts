import type { ContentStore } from '../content/content-store.ts'
import type { ImageNames } from '../content/image-names.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import type { ImageStore, OpenBlob, ResolvedManifest, StoreOptions } from '../oci/image-store.ts'
import { detectManifestType, maxManifestSize, parseManifest } from '../oci/manifest.ts'
import { type Reference, repositoryName } from '../oci/reference.ts'
import { findReferrers } from '../registry/layout/referrer.ts'

/** The images of the local store that are named in one repository. */
export class LocalImageStore implements ImageStore {
  readonly name: string
  readonly #prefix: string
  readonly #content: ContentStore
  readonly #images: ImageNames

  constructor(
    repository: Pick<Reference, 'domain' | 'path'>,
    local: { readonly content: ContentStore; readonly images: ImageNames },
  ) {
    this.name = `local://${repositoryName(repository)}`
    this.#prefix = `${repositoryName(repository)}:`
    this.#content = local.content
    this.#images = local.images
  }

  async head(target: string): Promise<Descriptor | undefined> {
    if (!isDigest(target)) {
      const found = this.#images.get(this.#prefix + target)?.descriptor
      return found === undefined
        ? undefined
        : { mediaType: found.mediaType, digest: found.digest, size: found.size }
    }
    const size = await this.#content.size(target)
    if (size === undefined) return undefined
    const mediaType = detectManifestType(await this.#content.readAll(target, maxManifestSize))
    return { mediaType, digest: target, size }
  }

  async resolve(target: string): Promise<ResolvedManifest> {
    const descriptor = await this.head(target)
    if (descriptor === undefined) {
      throw new SlipwayError('not-found', `${this.name}${isDigest(target) ? '@' : ':'}${target}: not found`)
    }
    return { descriptor, bytes: await this.#content.readAll(descriptor.digest, maxManifestSize) }
  }

  fetch(descriptor: Descriptor, options: StoreOptions = {}): AsyncIterable<Uint8Array> {
    const { signal } = options
    return this.#content.read(descriptor.digest, signal === undefined ? {} : { signal })
  }

  async referrers(
    subject: Digest,
    options: StoreOptions & { readonly artifactTypes?: readonly string[] } = {},
  ): Promise<readonly Descriptor[]> {
    const { artifactTypes } = options
    const read = async (descriptor: Descriptor): Promise<Uint8Array | undefined> =>
      (await this.#content.size(descriptor.digest)) === undefined
        ? undefined
        : await this.#content.readAll(descriptor.digest, maxManifestSize)
    const manifests = this.#images.list().map(image => image.descriptor)
    const found = await findReferrers({ schemaVersion: 2, manifests }, subject, read)
    return artifactTypes === undefined
      ? found
      : found.filter(d => artifactTypes.includes(d.artifactType ?? ''))
  }

  async tags(): Promise<readonly string[]> {
    return this.#images
      .list()
      .filter(image => image.reference.startsWith(this.#prefix))
      .map(image => image.reference.slice(this.#prefix.length))
  }

  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    return (await this.#content.size(descriptor.digest)) !== undefined
  }

  async putBlob(descriptor: Descriptor, open: OpenBlob): Promise<void> {
    const { digest, size } = descriptor
    if ((await this.#content.size(digest)) !== undefined) return
    await using writer = await this.#content.writer({ digest, size })
    for await (const chunk of open(0)) await writer.write(chunk)
    await writer.commit()
  }

  async mountBlob(descriptor: Descriptor, from: ImageStore): Promise<boolean> {
    return (
      from instanceof LocalImageStore && from.#content === this.#content && (await this.hasBlob(descriptor))
    )
  }

  async putManifest(
    descriptor: Descriptor,
    bytes: Uint8Array,
    options: { readonly tags?: readonly string[] } = {},
  ): Promise<void> {
    const { mediaType, digest, size } = descriptor
    parseManifest(bytes, mediaType)
    await this.#content.put(bytes, { digest, size })
    for (const tag of options.tags ?? []) this.#images.set(this.#prefix + tag, { mediaType, digest, size })
  }
}
