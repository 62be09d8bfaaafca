import type { Descriptor } from './descriptor.ts'
import type { Digest } from './digest.ts'

/** What every operation on an image store takes. */
export interface StoreOptions {
  readonly signal?: AbortSignal | undefined
}

/** A manifest or index as the store has it; the bytes have the descriptor's digest. */
export interface ResolvedManifest {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

/** Opens a blob's content from `offset` on; may be called again after a failure. */
export type OpenBlob = (offset: number) => AsyncIterable<Uint8Array>

/**
 * One repository of images: blobs and manifests by digest, manifests also by tag. Implemented by a registry repository,
 * an OCI layout, the local store and memory. Everything that comes out was checked against its digest, and everything
 * that goes in is, by the store or by the one behind it.
 *
 * `target` is a tag or a digest. A blob or manifest that is not there throws `not-found`; content that is not what its
 * digest says throws `data-loss`.
 */
export interface ImageStore {
  /** Where this is, for messages and for equality: `docker.io/library/alpine`, `oci-layout:///dir`. */
  readonly name: string

  /** Descriptor of the manifest that `target` names (media type, digest, size); undefined where there is none. */
  head(target: string, options?: StoreOptions): Promise<Descriptor | undefined>

  /** The manifest that `target` names, with its bytes. */
  resolve(target: string, options?: StoreOptions): Promise<ResolvedManifest>

  /** Streams a blob or manifest, verified while it passes: do not use what came before the stream has ended well. */
  fetch(descriptor: Descriptor, options?: StoreOptions): AsyncIterable<Uint8Array>

  /** Manifests that name `subject` as theirs, of the given artifact types only; an empty list where there are none. */
  referrers(
    subject: Digest,
    options?: StoreOptions & { readonly artifactTypes?: readonly string[] },
  ): Promise<readonly Descriptor[]>

  /** Tags in the order of the store. */
  tags(options?: StoreOptions): Promise<readonly string[]>

  /** Whether the blob is there, so that sending it can be saved. */
  hasBlob(descriptor: Descriptor, options?: StoreOptions): Promise<boolean>

  /** Stores a blob; one that is there already is success. Reads `open` more than once where a transfer breaks. */
  putBlob(descriptor: Descriptor, open: OpenBlob, options?: StoreOptions): Promise<void>

  /** Takes over a blob from `from` without sending it; false where that cannot be done (then `putBlob`). */
  mountBlob(descriptor: Descriptor, from: ImageStore, options?: StoreOptions): Promise<boolean>

  /**
   * Stores a manifest or index under its digest and under each of `tags`. What it refers to must be there.
   * `mediaType` of the descriptor is that of the document. A `root` is an image of its own even without a tag: stores
   * that keep a list of images (an OCI layout) enter it there.
   */
  putManifest(
    descriptor: Descriptor,
    bytes: Uint8Array,
    options?: StoreOptions & { readonly tags?: readonly string[]; readonly root?: boolean },
  ): Promise<void>
}
