import type { ContentStore } from '../content/content-store.ts'
import type { ImageNames } from '../content/image-names.ts'
import type { Lease } from '../content/lease.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import type { ImageStore, OpenBlob, ResolvedManifest, StoreOptions } from '../oci/image-store.ts'
import {
  describeBytes,
  detectManifestType,
  marshalIndex,
  maxManifestSize,
  parseIndex,
  parseManifest,
} from '../oci/manifest.ts'
import { attestationArtifactType, mediaType } from '../oci/media-type.ts'
import { type Reference, repositoryName } from '../oci/reference.ts'
import { describeReferrer, findReferrers, subjectOf } from '../registry/layout/referrer.ts'

/** The local store. With a lease nothing that is put can be collected before it has a name. */
export interface LocalStore {
  readonly content: ContentStore
  readonly images: ImageNames
  readonly lease?: Pick<Lease, 'hold'>
}

/**
 * The images of the local store that are named in one repository. Referrers are kept as clients keep them in registries
 * without the referrers API: in an index under the tag `sha256-…` of their subject.
 */
export class LocalImageStore implements ImageStore {
  readonly name: string
  readonly #prefix: string
  readonly #content: ContentStore
  readonly #images: ImageNames
  readonly #lease: Pick<Lease, 'hold'> | undefined

  constructor(repository: Pick<Reference, 'domain' | 'path'>, local: LocalStore) {
    this.name = `local://${repositoryName(repository)}`
    this.#prefix = `${repositoryName(repository)}:`
    this.#content = local.content
    this.#images = local.images
    this.#lease = local.lease
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
    const type = detectManifestType(await this.#content.readAll(target, maxManifestSize))
    return { mediaType: type, digest: target, size }
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
    this.#lease?.hold('blob', digest)
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
    const { tags = [] } = options
    const parsed = parseManifest(bytes, mediaType)
    await this.#putBytes({ digest, size }, bytes)
    for (const tag of tags) this.#images.set(this.#prefix + tag, { mediaType, digest, size })
    const subject = subjectOf(parsed)
    if (tags.length > 0 || subject === undefined) return
    const referrer = describeReferrer({ mediaType, digest, size }, parsed)
    // Attestations need no name of their own: an index names them.
    if (referrer.artifactType !== attestationArtifactType) await this.#addReferrer(subject, referrer)
  }

  async #addReferrer(subject: Digest, referrer: Descriptor): Promise<void> {
    const name = this.#prefix + subject.replace(':', '-')
    const known = this.#images.get(name)?.descriptor
    const listed = known === undefined ? [] : parseIndex(await this.#content.readAll(known.digest)).manifests
    if (listed.some(d => d.digest === referrer.digest)) return
    const bytes = marshalIndex({
      schemaVersion: 2,
      mediaType: mediaType.ociIndex,
      manifests: [...listed, referrer],
    })
    const index = describeBytes(bytes, mediaType.ociIndex)
    await this.#putBytes(index, bytes)
    this.#images.set(name, index)
  }

  async #putBytes(
    expected: { readonly digest: Digest; readonly size: number },
    bytes: Uint8Array,
  ): Promise<void> {
    this.#lease?.hold('blob', expected.digest)
    await this.#content.put(bytes, { digest: expected.digest, size: expected.size })
  }
}
