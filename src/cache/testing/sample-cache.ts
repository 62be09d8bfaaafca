import { gzipSync } from 'node:zlib'
import { collect } from '../../bytes/collect.ts'
import { digestOf } from '../../oci/digest.ts'
import { mediaType } from '../../oci/media-type.ts'
import type { CacheContext, CacheImportResult, ReadLayer } from '../backends/cache-backend.ts'
import type { CloudAccess } from '../backends/service/cloud-access.ts'
import { NodeTransport } from '../../registry/http/node-transport.ts'
import { CacheGraph } from '../chains/cache-graph.ts'
import type { CachedLayer } from '../chains/cached-layer.ts'
import { type MarshaledCache, marshalGraph } from '../chains/marshal-graph.ts'

/** A cache for tests: some steps, each with a layer more than the one before. */
export interface SampleCache {
  readonly graph: CacheGraph
  readonly cache: MarshaledCache
  readonly layers: readonly CachedLayer[]
  /** Reads the blobs of its layers; `reads` counts by digest. */
  readonly read: ReadLayer
  readonly reads: Map<string, number>
  readonly blobs: ReadonlyMap<string, Uint8Array>
}

/** When the first layer of a sample was made (milliseconds since 1970). */
export const sampleTime = Date.parse('2026-01-02T03:04:05Z')

/** Steps in a chain, whose layers have these contents. */
export function sampleCache(...contents: readonly (string | Uint8Array)[]): SampleCache {
  const blobs = new Map<string, Uint8Array>()
  const layers = contents.map((content, i): CachedLayer => {
    const bytes = new Uint8Array(gzipSync(content, { level: 0 }))
    const digest = digestOf(bytes)
    blobs.set(digest, bytes)
    return {
      descriptor: { mediaType: mediaType.ociLayerGzip, digest, size: bytes.byteLength },
      diffId: digestOf(content),
      createdMs: sampleTime + i * 1000,
    }
  })
  const graph = new CacheGraph()
  let below = graph.add(digestOf('source'), [])
  for (const [i, { diffId }] of layers.entries()) {
    const result = { layers: layers.slice(0, i + 1), createdMs: sampleTime + i * 1000 }
    below = graph.add(digestOf(`step that makes ${diffId}`), [[{ record: below, selector: '' }]], result)
  }
  const reads = new Map<string, number>()
  const read: ReadLayer = async function* ({ descriptor: { digest } }, offset) {
    reads.set(digest, (reads.get(digest) ?? 0) + 1)
    const bytes = blobs.get(digest) ?? new Uint8Array()
    // In pieces, as they come from a disk.
    for (let at = offset; at < bytes.byteLength; at += 1 << 16) yield bytes.subarray(at, at + (1 << 16))
  }
  return { graph, cache: marshalGraph(graph), layers, read, reads, blobs }
}

/** A context whose steps are listed in `steps`. */
export function sampleContext(signal: AbortSignal = new AbortController().signal): CacheContext & {
  readonly steps: string[]
} {
  const steps: string[] = []
  return {
    signal,
    sessionId: 'session',
    steps,
    progress: {
      status: () => undefined,
      log: () => undefined,
      step(id, work) {
        steps.push(id)
        return work()
      },
    },
  }
}

/** Access to services on loopback, without pauses; its waits are listed in `waits` (milliseconds). */
export function sampleAccess(
  env: CloudAccess['env'] = {},
): CloudAccess & Disposable & { readonly waits: number[]; readonly transport: NodeTransport } {
  const transport = new NodeTransport({ connectTimeout: 2000 })
  const waits: number[] = []
  return {
    transport,
    env,
    now: () => Date.now(),
    waits,
    async sleep(ms) {
      waits.push(ms)
    },
    [Symbol.dispose]: () => transport[Symbol.dispose](),
  }
}

/** The blobs that an import speaks of, read whole: text by digest. */
export async function readBlobs({
  caches,
  blobs,
}: CacheImportResult): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for (const { config, layerOf } of caches) {
    for (const i of config.layers.keys()) {
      const layer = layerOf(i)
      if (layer === undefined) continue
      const bytes = await collect(blobs.fetch(layer.descriptor), { limit: 1 << 30 })
      found.set(layer.descriptor.digest, new Uint8Array(bytes))
    }
  }
  return found
}
