import { SlipwayError } from '../../errors/slipway-error.ts'
import { chainIds } from '../../oci/chain-id.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { digestOf } from '../../oci/digest.ts'
import { formatReference, parsePullReference, type Reference, repositoryName } from '../../oci/reference.ts'
import type { ImageStore } from '../../oci/image-store.ts'
import type { StackRef } from '../../snapshot/ref.ts'
import { goJson } from '../../gostd/json.ts'
import type { SourceContext } from '../source-context.ts'
import { type AttestationChain, attestationChain } from './attestation-chain.ts'
import { BlobTransfers, lazyLayers } from './lazy-layers.ts'
import {
  type ClientStore,
  type ImageLookup,
  type KnownDocuments,
  type ResolvedImage,
  resolveImage,
  resolveRoot,
  type RootLookup,
} from './resolve-image.ts'
import { parseResolveMode, type ResolveMode } from './resolve-mode.ts'

/** An image as a source of a build. */
export interface ImageIdentifier {
  /** As it was asked for, with tag and digest. */
  readonly name?: string
  readonly reference: Reference
  readonly platform: Platform
  readonly mode: ResolveMode
  /** Only this many layers. */
  readonly layerLimit?: number
  /** Kind of the records of its layers. */
  readonly recordType?: 'internal' | 'frontend'
  /** The digest that the name must resolve to. */
  readonly checksum?: string
  /** Only looked for in this OCI layout of a client. */
  readonly store?: ClientStore
}

/** Reads `docker-image://…` with its attributes. Throws `invalid-argument`. */
export function parseImageIdentifier(
  name: string,
  attrs: Readonly<Record<string, string>>,
  platform: Platform,
): ImageIdentifier {
  const limit = attrs['image.layerlimit']
  if (limit !== undefined && !/^0*[1-9]\d*$/.test(limit))
    throw new SlipwayError('invalid-argument', `invalid layer limit ${limit}`)
  const checksum = attrs['image.checksum']
  const recordType = attrs['image.recordtype']
  return {
    name,
    reference: parsePullReference(name),
    platform,
    mode: parseResolveMode(attrs['image.resolvemode']),
    ...(limit === undefined ? {} : { layerLimit: Number(limit) }),
    ...(recordType === 'internal' || recordType === 'frontend' ? { recordType } : {}),
    ...(checksum === undefined ? {} : { checksum }),
  }
}

/** Reads `oci-layout://…` with its attributes. The name must have a digest. Throws `invalid-argument`. */
export function parseLayoutIdentifier(
  name: string,
  attrs: Readonly<Record<string, string>>,
  platform: Platform,
): ImageIdentifier {
  const { 'oci.layerlimit': limit, 'oci.session': sessionId = '', 'oci.store': storeId = '' } = attrs
  const image = parseImageIdentifier(name, limit === undefined ? {} : { 'image.layerlimit': limit }, platform)
  if (image.reference.digest === undefined) {
    throw new SlipwayError('invalid-argument', `reference ${JSON.stringify(name)} must have digest`)
  }
  return { ...image, mode: 'pull', store: { sessionId, storeId } }
}

/** Images of registries and of the local store, as trees that are fetched only as far as they are needed. */
export class ImageSource {
  readonly #known: KnownDocuments
  readonly #lookup: ImageLookup
  /** Transfers of layers under way. */
  readonly transfers: BlobTransfers

  constructor(known: KnownDocuments, lookup: ImageLookup) {
    this.#known = known
    this.#lookup = lookup
    this.transfers = new BlobTransfers(known.content)
  }

  async resolve(identifier: ImageIdentifier, ctx: SourceContext): Promise<ResolvedImage> {
    const { reference, platform, mode, checksum, store } = identifier
    const lookup = store === undefined ? this.#lookup : inLayout(this.#lookup.layout(store, ctx))
    const image = await resolveImage(reference, platform, mode, lookup, this.#known, ctx)
    if (
      checksum !== undefined &&
      image.root.descriptor.digest !== checksum &&
      image.descriptor.digest !== checksum
    ) {
      throw new SlipwayError(
        'data-loss',
        `image digest ${image.descriptor.digest} for ${formatReference(reference)} does not match expected checksum ${checksum}`,
      )
    }
    const { layerLimit } = identifier
    if (layerLimit !== undefined && layerLimit > image.manifest.layers.length) {
      throw new SlipwayError(
        'invalid-argument',
        `layer limit ${layerLimit} is greater than the number of layers in the image ${image.manifest.layers.length}`,
      )
    }
    return image
  }

  /** Where the image comes from, as far as there are statements; those of the given predicate types are brought. */
  async attestations(
    identifier: ImageIdentifier,
    predicateTypes: readonly string[],
    ctx: SourceContext,
  ): Promise<AttestationChain | undefined> {
    const { reference, platform, mode } = identifier
    const root = await resolveRoot(reference, mode, this.#lookup, this.#known, ctx)
    return attestationChain(root, platform, predicateTypes, this.#known, ctx)
  }

  /**
   * Keys of the image: by its manifest, and by what its layers contain, so that equal images of different names share.
   * Equal to BuildKit's: https://github.com/moby/buildkit/blob/v0.32.2/source/containerimage/pull.go
   */
  keys(identifier: ImageIdentifier, image: ResolvedImage): readonly string[] {
    const { platform, layerLimit } = identifier
    const byManifest = digestOf(
      goJson({
        Digest: image.descriptor.digest,
        OS: platform.os,
        Arch: platform.architecture,
        Variant: platform.variant || undefined,
        OSVersion: platform['os.version'] || undefined,
        OSFeatures: platform['os.features']?.length ? platform['os.features'] : undefined,
        Limit: layerLimit,
      }),
    )
    const diffIds = image.config.rootfs.diff_ids.slice(0, layerLimit)
    const byLayers = chainIds(diffIds).at(-1) ?? digestOf(image.configBytes)
    return [byManifest, byLayers]
  }

  /** The image's tree. Its layers are fetched and unpacked when somebody looks inside; progress goes to `ctx`. */
  tree(identifier: ImageIdentifier, image: ResolvedImage, ctx: SourceContext): StackRef {
    const { layerLimit, recordType = 'regular' } = identifier
    const layers = lazyLayers(
      {
        layers: image.manifest.layers.slice(0, layerLimit),
        diffIds: image.config.rootfs.diff_ids.slice(0, layerLimit),
        repository: repositoryName(identifier.reference),
        record: {
          description: `pulled from ${identifier.name ?? formatReference(identifier.reference)}`,
          recordType,
        },
      },
      image.store,
      this.transfers,
      ctx.progress,
    )
    return { kind: 'stack', layers }
  }
}

const inLayout = (store: ImageStore): RootLookup => ({ remote: () => store, local: () => store })
