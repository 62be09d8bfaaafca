import type { ContentStore } from '../content/content-store.ts'
import type { Lease } from '../content/lease.ts'
import { blameDamage } from '../content/verified-read.ts'
import { inPieces } from '../async/pieces.ts'
import { asSlipwayError } from '../errors/slipway-error.ts'
import { detachLayer, isAttached } from '../snapshot/detach-layer.ts'
import { openDirectoryTree } from '../snapshot/directory-tree.ts'
import { openLayerTree } from '../snapshot/layer-tree.ts'
import type { OverlayPrefix } from '../snapshot/overlay-xattr.ts'
import type { LazyLayer, LocalRef, Ref, RefLayer, StackRef } from '../snapshot/ref.ts'
import type { ActiveLayer, LayerId, LayerStack, Snapshotter } from '../snapshot/snapshotter.ts'
import type { WritableTree } from '../snapshot/tree.ts'
import { UpperTree } from '../snapshot/upper-tree.ts'
import type { FileDigestCache } from './content-hash.ts'
import { copyTree } from './copy-tree.ts'
import type { Trees } from './trees.ts'

/** What trees are made from. */
export interface TreeServices {
  readonly content: ContentStore
  readonly snapshotter: Snapshotter
  readonly overlayPrefix: OverlayPrefix
  /** Keeps layers from being collected while this process works. */
  readonly lease: Lease
  /** The layers that a layer was made on, lowest first. */
  readonly parentsOf: (layer: LayerId) => LayerStack
  /** Digests of a local directory's files from earlier builds. */
  readonly localDigests: (path: string) => FileDigestCache
}

const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n

/** Annotation under which an unpacked layer remembers the repository that its blob came from. */
export const repositoryAnnotation = 'slipway.repository'

/** Trees as stacks of layers in the state directory. */
export function createStackTrees(services: TreeServices): Trees {
  const { snapshotter } = services
  const materialized = new WeakMap<LocalRef, Promise<LayerStack>>()
  const stack = async (ref: Ref, signal: AbortSignal): Promise<LayerStack> => {
    if (ref.kind === 'stack') return unpackAll(ref.layers, services, signal)
    const known = materialized.get(ref)
    if (known) return known
    const made = materialize(ref, services, signal)
    materialized.set(ref, made)
    made.catch(() => materialized.delete(ref))
    return made
  }
  return {
    stack,
    async view(ref, signal) {
      if (ref.kind === 'local') return openDirectoryTree(ref.path, ref.filter, nowNs())
      return openLayerTree((await stack(ref, signal)).map(id => snapshotter.directory(id)))
    },
    async prepare(ref: StackRef, options): Promise<ActiveLayer> {
      return snapshotter.prepare(await stack(ref, options.signal), { description: options.description })
    },
    writable: (active, options) => writableOf(active, services, options?.parentTimes),
    detached: (layer, signal) => detached(layer, services, signal),
    directories: ids => ids.map(id => snapshotter.directory(id)),
    digestCache: ref => (ref.kind === 'local' ? services.localDigests(ref.path) : undefined),
  }
}

function writableOf(
  active: ActiveLayer,
  services: TreeServices,
  parentTimes: 'kept' | 'touched' = 'kept',
): WritableTree {
  const { snapshotter, overlayPrefix } = services
  return new UpperTree({
    upper: active.upper,
    lowers: active.parents.map(id => snapshotter.directory(id)),
    overlayPrefix,
    parentTimes,
  })
}

async function detached(id: LayerId, services: TreeServices, signal: AbortSignal): Promise<LayerId> {
  const { snapshotter } = services
  const parents = services.parentsOf(id)
  if (parents.length === 0) return id
  const layer = {
    upper: snapshotter.directory(id),
    lowers: parents.map(parent => snapshotter.directory(parent)),
    check: () => signal.throwIfAborted(),
  }
  if (!isAttached(layer)) return id
  const { description } = await snapshotter.get(id)
  await using active = await snapshotter.prepare(parents, { description })
  detachLayer(layer, active.upper)
  const made = await active.commit()
  services.lease.hold('layer', made.id)
  return made.id
}

async function unpackAll(
  layers: readonly RefLayer[],
  services: TreeServices,
  signal: AbortSignal,
): Promise<LayerStack> {
  const missing: LazyLayer[] = []
  for (const layer of layers)
    if (layer.kind === 'lazy' && !(await isUnpacked(layer.lazy, services))) missing.push(layer.lazy)
  // All together, so that what they came with is shown as one piece of work.
  const ends = missing.flatMap(lazy => lazy.begin?.() ?? [])
  try {
    await fetchAll(missing, signal)
    const ids: LayerId[] = []
    for (const layer of layers)
      ids.push(layer.kind === 'layer' ? layer.id : await unpack(layer.lazy, ids, services, signal))
    for (const id of ids) services.lease.hold('layer', id)
    return ids
  } catch (error) {
    for (const end of ends.splice(0)) end(asSlipwayError(error).message)
    throw error
  } finally {
    for (const end of ends) end()
  }
}

async function isUnpacked(lazy: LazyLayer, { snapshotter }: TreeServices): Promise<boolean> {
  return (await snapshotter.findByChainId(lazy.chainId)) !== undefined
}

/** Brings blobs of layers, all at once. */
async function fetchAll(lazies: readonly LazyLayer[], signal: AbortSignal): Promise<void> {
  const settled = await Promise.allSettled(lazies.map(lazy => lazy.fetch(signal)))
  for (const one of settled) if (one.status === 'rejected') throw one.reason
}

async function unpack(
  lazy: LazyLayer,
  below: LayerStack,
  services: TreeServices,
  signal: AbortSignal,
): Promise<LayerId> {
  const { content, snapshotter } = services
  const known = await snapshotter.findByChainId(lazy.chainId)
  if (known) return known.id
  lazy.unpacking?.(false)
  const { descriptor, diffId, chainId, repository } = lazy
  const path = content.path(descriptor.digest)
  const blob = { ...lazy.record, path, mediaType: descriptor.mediaType, diffId }
  const layer = await snapshotter.unpack(blob, below, chainId, signal).catch(async (e: unknown) => {
    throw await blameDamage(e, descriptor.digest, content, signal)
  })
  const annotations = repository === undefined ? {} : { annotations: { [repositoryAnnotation]: repository } }
  await snapshotter.addBlob(layer.id, {
    descriptor: {
      mediaType: descriptor.mediaType,
      digest: descriptor.digest,
      size: descriptor.size,
      ...annotations,
    },
    diffId,
  })
  lazy.unpacking?.(true)
  return layer.id
}

/** A copy of a local directory as a layer, for steps that mount it. */
async function materialize(ref: LocalRef, services: TreeServices, signal: AbortSignal): Promise<LayerStack> {
  const description = ref.name === undefined ? 'local source' : `local source for ${ref.name}`
  await using active = await services.snapshotter.prepare([], { description })
  using source = openDirectoryTree(ref.path, ref.filter, nowNs())
  {
    using target = writableOf(active, services)
    const work = copyTree(source, '/', target, '/', {
      directoryContents: true,
      followLinks: false,
      replace: true,
      live: true,
      owner: { uid: 0, gid: 0 },
    })
    await inPieces(work, signal)
  }
  const layer = await active.commit()
  services.lease.hold('layer', layer.id)
  return [layer.id]
}

/** A ref with its layers on disk, `ids`; it is still known which image they came with. */
export function unpackedRef(ref: Ref, ids: LayerStack): StackRef {
  const origins = ref.kind === 'stack' ? ref.layers.map(originOf) : []
  const layers = ids.map((id, i): RefLayer => {
    const origin = origins[i]
    return { kind: 'layer', id, ...(origin === undefined ? {} : { origin }) }
  })
  return { kind: 'stack', layers }
}

const originOf = (layer: RefLayer): LazyLayer | undefined =>
  layer.kind === 'lazy' ? layer.lazy : layer.origin

/** The layers of a stack as parts of a ref. */
export function stackRef(ids: LayerStack): StackRef {
  return { kind: 'stack', layers: ids.map(id => ({ kind: 'layer', id })) }
}

/** Layers of a ref that is not local; local ones are copied first. */
export async function layersOf(ref: Ref, trees: Trees, signal: AbortSignal): Promise<readonly RefLayer[]> {
  return ref.kind === 'stack' ? ref.layers : stackRef(await trees.stack(ref, signal)).layers
}
