import { existsSync } from 'node:fs'
import type { Lease } from '../content/lease.ts'
import type { LayerId, Snapshotter } from '../snapshot/snapshotter.ts'
import type { Result, ResultStore } from '../solver/result.ts'
import { refOf, resultOf } from './ref-result.ts'

/** Layers by id, asked without waiting. */
export interface LayerLookup {
  has(id: LayerId): boolean
}

/**
 * Keeps results as lists of layer ids. Local directories and images whose layers were never unpacked are not kept: they
 * are found again by their sources.
 */
export function createSavedResults(lookup: LayerLookup, snapshotter: Snapshotter, lease: Lease): ResultStore {
  const parse = (saved: string): readonly LayerId[] => (saved === '' ? [] : saved.split(','))
  const found = new Set<LayerId>()
  /** One that somebody has removed by hand is not there, whatever its record says: it is made again. */
  const isThere = (id: LayerId): boolean => {
    if (!lookup.has(id)) return false
    if (!found.has(id) && existsSync(snapshotter.directory(id))) found.add(id)
    return found.has(id)
  }
  return {
    async save(result: Result) {
      const ref = refOf(result)
      if (ref.kind !== 'stack') return undefined
      const ids = ref.layers.flatMap(layer => (layer.kind === 'layer' ? [layer.id] : []))
      return ids.length === ref.layers.length ? ids.join(',') : undefined
    },
    exists: saved => parse(saved).every(isThere),
    async load(saved) {
      const ids = parse(saved)
      if (!ids.every(isThere)) return undefined
      for (const id of ids) lease.hold('layer', id)
      await Promise.all(ids.map(id => snapshotter.get(id)))
      return resultOf({ kind: 'stack', layers: ids.map(id => ({ kind: 'layer', id })) })
    },
  }
}
