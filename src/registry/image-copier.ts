import { forEachBounded } from '../async/map-bounded.ts'
import { bytesOf } from '../bytes/byte-stream.ts'
import { collect } from '../bytes/collect.ts'
import { countBytes } from '../bytes/count.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { ImageStore } from '../oci/image-store.ts'
import { maxManifestSize, parseManifest } from '../oci/manifest.ts'
import { isIndexType, isManifestType, mediaType } from '../oci/media-type.ts'
import { skipBytes } from './skip-bytes.ts'

/** What becomes of a blob or manifest on its way. */
export type CopyEvent =
  | { readonly kind: 'exists' | 'mounted' | 'done'; readonly descriptor: Descriptor }
  /** `offset` bytes of the blob were read so far. */
  | { readonly kind: 'sending'; readonly descriptor: Descriptor; readonly offset: number }

/** How a copier works. */
export interface ImageCopierOptions {
  /** Blobs handled at once for one manifest; the stores have limits of their own. @default 6 */
  readonly concurrency?: number
  /** Artifact types of referrers (signatures, attestations) that are copied along; none by default. */
  readonly referrers?: readonly string[]
  /** Contents that the source does not have, by digest: manifests and blobs that were made in memory. */
  readonly documents?: ReadonlyMap<Digest, Uint8Array>
  readonly onEvent?: (event: CopyEvent) => void
  readonly signal?: AbortSignal | undefined
}

const nondistributable: ReadonlySet<string> = new Set([
  mediaType.ociLayerNondistributable,
  mediaType.ociLayerNondistributableGzip,
  mediaType.ociLayerNondistributableZstd,
  mediaType.dockerLayerForeign,
  mediaType.dockerLayerForeignGzip,
])

/** Indexes in indexes beyond this are nobody's honest image. */
const maxDepth = 8
const maxParts = 100_000

/** Under which names the copy is to be found. */
export interface ManifestNames {
  readonly tags?: readonly string[]
  readonly root?: boolean
}

/**
 * Copies images into one store, blobs before the manifests that need them. What several images share is sent once;
 * what is there, or can be mounted, is not sent. Non-distributable layers are left where they are, as BuildKit does.
 */
export class ImageCopier {
  readonly #target: ImageStore
  readonly #options: ImageCopierOptions
  readonly #done = new Map<Digest, Promise<void>>()
  /** Manifests whose referrers are still to be asked for. */
  readonly #subjects: { readonly source: ImageStore; readonly digest: Digest }[] = []

  constructor(target: ImageStore, options: ImageCopierOptions = {}) {
    this.#target = target
    this.#options = options
  }

  /**
   * Copies a manifest or index and all below it; it gets the tags, or stands as a root without one. Referrers come
   * last, after what they refer to.
   */
  async copy(source: ImageStore, descriptor: Descriptor, names: ManifestNames = {}): Promise<void> {
    await this.#manifest(source, descriptor, 0, names)
    for (let next = this.#subjects.shift(); next !== undefined; next = this.#subjects.shift()) {
      await this.#referrersOf(next.source, next.digest)
    }
  }

  /** A listing may name anything, the subject itself too: what was copied once is not copied again. */
  async #referrersOf(source: ImageStore, subject: Digest): Promise<void> {
    const { signal, referrers = [] } = this.#options
    const found = await source.referrers(subject, { artifactTypes: referrers, signal })
    for (const child of found) {
      if (child.digest !== subject) await this.#once(child.digest, () => this.#manifest(source, child, 0, {}))
    }
  }

  async #manifest(
    source: ImageStore,
    descriptor: Descriptor,
    depth: number,
    names: ManifestNames,
  ): Promise<void> {
    const { signal, referrers = [] } = this.#options
    if (depth > maxDepth)
      throw new SlipwayError('resource-exhausted', `${descriptor.digest}: indexes nested too deep`)
    const what = `manifest ${descriptor.digest}`
    const bytes =
      this.#options.documents?.get(descriptor.digest) ??
      (await collect(source.fetch(descriptor, { signal }), { limit: maxManifestSize, what }))
    const parsed = parseManifest(bytes, descriptor.mediaType)
    const children =
      parsed.kind === 'index' ? parsed.index.manifests : [parsed.manifest.config, ...parsed.manifest.layers]
    await forEachBounded(
      children,
      async child => await this.#once(child.digest, () => this.#child(source, child, depth + 1)),
      { limit: this.#options.concurrency ?? 6, signal },
    )
    const { digest, size } = descriptor
    await this.#target.putManifest({ mediaType: parsed.mediaType, digest, size }, bytes, { ...names, signal })
    this.#options.onEvent?.({ kind: 'done', descriptor })
    if (referrers.length > 0) this.#subjects.push({ source, digest })
  }

  async #child(source: ImageStore, child: Descriptor, depth: number): Promise<void> {
    if (isIndexType(child.mediaType) || isManifestType(child.mediaType))
      return await this.#manifest(source, child, depth, {})
    if (!nondistributable.has(child.mediaType)) await this.#blob(source, child)
  }

  async #blob(source: ImageStore, descriptor: Descriptor): Promise<void> {
    const { signal, onEvent } = this.#options
    const target = this.#target
    if (await target.hasBlob(descriptor, { signal })) return onEvent?.({ kind: 'exists', descriptor })
    const made = this.#options.documents?.get(descriptor.digest)
    if (made === undefined && (await target.mountBlob(descriptor, source, { signal }))) {
      return onEvent?.({ kind: 'mounted', descriptor })
    }
    const open = (offset: number): AsyncIterable<Uint8Array> => {
      const report = (read: number): void => onEvent?.({ kind: 'sending', descriptor, offset: read })
      const content = made === undefined ? source.fetch(descriptor, { signal }) : bytesOf(made)
      return skipBytes(countBytes(content, report), offset)
    }
    await target.putBlob(descriptor, open, { signal })
    onEvent?.({ kind: 'done', descriptor })
  }

  /** Runs `work` unless it was done, or is under way, for this digest. A failure is forgotten, so that it can be tried again. */
  async #once(digest: Digest, work: () => Promise<void>): Promise<void> {
    const known = this.#done.get(digest)
    if (known !== undefined) return await known
    if (this.#done.size >= maxParts) {
      throw new SlipwayError('resource-exhausted', 'image with too many parts')
    }
    const running = work()
    this.#done.set(digest, running)
    running.catch(() => this.#done.delete(digest))
    await running
  }
}
