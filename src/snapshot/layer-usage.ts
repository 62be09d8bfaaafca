import type { ImageNames } from '../content/image-names.ts'
import type { ContentStore } from '../content/content-store.ts'
import type { Leases } from '../content/lease.ts'
import { reachableBlobs } from '../content/reachable.ts'
import type { UsageRecord, UsageSource } from '../content/usage-record.ts'
import { isSlipwayError } from '../errors/slipway-error.ts'
import type { LayerRecords } from './layer-records.ts'
import type { OverlaySnapshotter } from './overlay-snapshotter.ts'
import type { LayerId } from './snapshotter.ts'

/** What the records of layers are made from. */
export interface LayerUsageOptions {
  readonly layers: LayerRecords
  readonly snapshotter: OverlaySnapshotter
  readonly leases: Leases
  readonly images: ImageNames
  readonly content: ContentStore
}

/**
 * Layers as records of disk usage. A layer is in use while a live process holds it; it is shared where an image in the
 * local store has its blob. Its size is that of its files and of the blobs that it was packed into. Records that others were made on cannot be removed before those.
 */
export function layerUsage(options: LayerUsageOptions): UsageSource {
  const { layers, snapshotter, leases, images, content } = options
  return {
    records: async signal => {
      const held = leases.held()
      const roots = images.list().map(({ descriptor }) => descriptor)
      const kept = await reachableBlobs(content, roots, signal)
      const records: UsageRecord[] = []
      const all = layers.list()
      const stacks = new Map(all.map(layer => [layer.id, layer.parents]))
      for (const layer of all) {
        const files = layer.size ?? (await sizeOf(snapshotter, layer.id, signal))
        if (files === undefined) continue
        const blobs = layers.blobs(layer.id).map(({ descriptor }) => descriptor.digest)
        let size = files
        for (const digest of blobs) size += (await content.size(digest)) ?? 0
        records.push({
          id: layer.id,
          type: layer.recordType,
          description: layer.description,
          inUse: held.layers.has(layer.id),
          mutable: false,
          shared: blobs.some(digest => kept.has(digest)),
          size,
          parents: directParents(layer.parents, stacks),
          createdMs: layer.createdMs,
          // Being made is its first use.
          lastUsedMs: layer.touchedAt,
          usageCount: layer.usageCount + 1,
        })
      }
      return records
    },
    remove: async id => await snapshotter.removeUnused(id, Number.MAX_SAFE_INTEGER),
  }
}

/**
 * The layers that a layer was made on, without those that these were made on: one, or several where stacks were merged.
 * `stacks`: what each layer was made on.
 */
function directParents(
  parents: readonly LayerId[],
  stacks: ReadonlyMap<LayerId, readonly LayerId[]>,
): readonly LayerId[] {
  const direct = new Set<LayerId>()
  for (let end = parents.length; end > 0; ) {
    const top = parents[--end] as LayerId
    direct.add(top)
    const below = stacks.get(top) ?? []
    if (below.length <= end && below.every((id, i) => parents[end - below.length + i] === id))
      end -= below.length
  }
  return [...direct].reverse()
}

/** Bytes; undefined for a layer that was removed meanwhile. */
async function sizeOf(
  snapshotter: OverlaySnapshotter,
  id: LayerId,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  try {
    return await snapshotter.usage(id, signal)
  } catch (e) {
    if (isSlipwayError(e) && e.code === 'not-found') return undefined
    throw e
  }
}
