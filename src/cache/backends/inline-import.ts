import { parseRfc3339 } from '../../gostd/time.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { isDigest } from '../../oci/digest.ts'
import { parseJson, readList, readObject, readText } from '../../oci/json-reader.ts'
import { parseCacheRecords } from '../chains/cache-config.ts'
import type { ImportedCache } from './cache-backend.ts'

/** Member of an image's configuration with its cache: base64 of the records. */
export const inlineCacheKey = 'moby.buildkit.cache.v0'

/** The cache that an image brings along; undefined where it has none. Throws `invalid-argument`. */
export function inlineCacheOf(config: Uint8Array, layers: readonly Descriptor[]): ImportedCache | undefined {
  const object = readObject(parseJson(config, 'image config'), 'image config')
  const text = readText(object, inlineCacheKey, 'image config')
  const rootfs = object['rootfs']
  if (text === undefined || rootfs === undefined || rootfs === null) return undefined
  const diffIds = readList(readObject(rootfs, 'rootfs'), 'diff_ids', 'rootfs', layers.length + 1) ?? []
  if (diffIds.length !== layers.length) return undefined
  const facts = layerFacts(object['history'])
  return {
    config: {
      records: parseCacheRecords(Buffer.from(text, 'base64')),
      layers: layers.map((layer, i) => ({ blob: layer.digest, parent: i - 1 })),
    },
    layerOf(number) {
      const descriptor = layers[number]
      const diffId = diffIds[number]
      if (descriptor === undefined || !isDigest(diffId)) return undefined
      const { annotations: _annotations, ...rest } = descriptor
      return { descriptor: rest, diffId, ...facts[number] }
    },
  }
}

/** When and how each layer was made, as far as the history says. */
function layerFacts(history: unknown): readonly { createdMs?: number; description?: string }[] {
  if (!Array.isArray(history)) return []
  return history
    .filter((item: { empty_layer?: unknown } | null) => item !== null && item.empty_layer !== true)
    .map((item: { created?: unknown; created_by?: unknown }) => ({
      ...(typeof item.created === 'string' ? { createdMs: parseRfc3339(item.created) } : {}),
      ...(typeof item.created_by === 'string' ? { description: item.created_by } : {}),
    }))
}
