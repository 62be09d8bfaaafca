import type { UsageRecordType } from '../content/usage-record.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'

/** Identity of a layer in the state directory: a decimal number as a string, never reused. */
export type LayerId = string & { readonly __layer?: never }

/**
 * One immutable layer: a directory in the form of an overlayfs upper directory (deleted names are 0:0 character devices,
 * replaced directories carry the `overlay.opaque` attribute), to be seen on top of the layers below it.
 */
export interface Layer {
  readonly id: LayerId
  /** Chain ID (OCI image-spec config.md) where the layer came from, or was exported to, an image. */
  readonly chainId?: Digest
  readonly diffId?: Digest
  /** Bytes on disk, undefined until counted. */
  readonly size?: number
  /** Milliseconds since 1970. */
  readonly createdMs: number
  /** What made it, for disk usage and for history entries of images that lack one. */
  readonly description: string
}

/** What is remembered of a layer besides its files. */
export interface PrepareOptions {
  readonly description?: string
  /** What made it, for disk usage and for rules that remove some kinds earlier. @default 'regular' */
  readonly recordType?: UsageRecordType
}

/** A layer blob to be unpacked: a file at `path`, any compression, and what is remembered of the layer. */
export interface PackedLayer extends PrepareOptions {
  readonly path: string
  readonly mediaType: string
  readonly diffId: Digest
}

/** A blob that holds a layer. */
export interface LayerBlob {
  readonly descriptor: Descriptor
  readonly diffId: Digest
}

/**
 * A file tree is a stack of layers, lowest first. The empty stack is an empty root (`scratch`).
 * A merge is the concatenation of stacks; a diff of a stack and its prefix is the rest of it.
 */
export type LayerStack = readonly LayerId[]

/** A layer being made. Closing it without `commit` removes it. */
export interface ActiveLayer extends AsyncDisposable {
  readonly id: LayerId
  readonly parents: LayerStack
  /** Absolute path of the directory that receives the changes (the overlay upper directory). */
  readonly upper: string
  /** Absolute path of overlayfs's work directory, on the same file system. */
  readonly work: string
  /** Seals the layer and registers it; its directory must not change afterwards. */
  commit(): Promise<Layer>
}

/** Layers on disk, shared by many processes at once. */
export interface Snapshotter {
  /** `overlay` (layers are mounted) or `native` (a full copy per stack, where overlayfs is missing). */
  readonly kind: 'overlay' | 'native'
  prepare(parents: LayerStack, options?: PrepareOptions): Promise<ActiveLayer>
  /** The layer's record; throws `not-found`. */
  get(id: LayerId): Promise<Layer>
  /** Absolute path of the layer's directory. */
  directory(id: LayerId): string
  /** The layer with this chain ID, where it is there already. */
  findByChainId(chainId: Digest): Promise<Layer | undefined>
  /**
   * Unpacks a layer blob on top of `parents`, once however many ask at the same time, in this process or in others. Hostile entries are clamped or refused. Throws `data-loss` where the tar is broken or
   * its digest is not `diffId`.
   */
  unpack(blob: PackedLayer, parents: LayerStack, chainId: Digest, signal?: AbortSignal): Promise<Layer>
  /** Records that `blob` holds the layer `id`, so that it is not compressed again. */
  addBlob(id: LayerId, blob: LayerBlob): Promise<void>
  /** Blobs known to hold the layer. */
  blobs(id: LayerId): Promise<readonly LayerBlob[]>
  /** Removes layers that no record refers to any more. */
  remove(id: LayerId): Promise<void>
  list(): Promise<readonly Layer[]>
}
