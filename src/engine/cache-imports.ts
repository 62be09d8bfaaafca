import { createHash } from 'node:crypto'
import type { CacheContext, CacheImportResult } from '../cache/backends/cache-backend.ts'
import { graphSource } from '../cache/chains/graph-source.ts'
import { loadConfig } from '../cache/chains/load-config.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Attributes } from '../exporter/attributes.ts'
import type { Job } from '../solver/solver.ts'
import type { CacheSource } from '../solver/solver-shared.ts'
import { type BlobTransfers, lazyLayers } from '../source/image/lazy-layers.ts'
import type { SolveStatus } from '../status/solve-status.ts'
import { type CacheServices, createCacheImporter } from './cache-backends.ts'
import { clientStep, noProgress } from './client-step.ts'

/** A cache that a build asks for. */
export interface CacheEntry {
  readonly type: string
  readonly attrs: Attributes
}

/** Entries as requests have them. */
export function cacheEntries(
  entries: readonly { readonly Type: string; readonly Attrs: Attributes }[],
): readonly CacheEntry[] {
  return entries.map(({ Type, Attrs }) => ({ type: Type, attrs: Attrs }))
}

/** What imports of one build work with. */
export interface CacheImportOptions {
  readonly job: Job
  readonly services: CacheServices
  readonly transfers: BlobTransfers
  readonly sessionId: string
  readonly write: (status: SolveStatus) => void
  readonly signal: AbortSignal
}

/** The caches that one build imports: each is read once, however often it is asked for. */
export class CacheImports {
  readonly #options: CacheImportOptions
  readonly #known = new Map<string, Promise<void>>()

  constructor(options: CacheImportOptions) {
    this.#options = options
  }

  /** Begins to read caches. One that cannot be read shows its error and is done without. */
  add(entries: readonly CacheEntry[]): void {
    for (const entry of entries) {
      const name = nameOf(entry)
      if (!this.#known.has(name)) this.#known.set(name, this.#import(entry, name))
    }
  }

  /** Waits until all caches have been read. */
  async ready(): Promise<void> {
    await Promise.all(this.#known.values())
  }

  async #import({ type, attrs }: CacheEntry, name: string): Promise<void> {
    const { job, services, sessionId, signal, write } = this.#options
    const text = `importing cache manifest from ${name}`
    try {
      await clientStep({ id: `${job.id} ${text}`, name: text }, write, async progress => {
        const ctx: CacheContext = { signal, progress, sessionId }
        const importer = await configured(type, async () => createCacheImporter(type, attrs, services))
        // S3 is asked nothing before the importer is there; its answers come without these words.
        const load = (): ReturnType<typeof importer.load> => importer.load(ctx)
        const result = type === 's3' ? await load() : await configured(type, load)
        for (const source of this.#sources(name, result)) job.addCacheSource(source)
      })
    } catch {
      // The step shows what went wrong.
    }
  }

  #sources(name: string, { caches, blobs }: CacheImportResult): readonly CacheSource[] {
    const { transfers } = this.#options
    return caches.map(cache =>
      graphSource(name, loadConfig(cache.config, cache.layerOf), (layers, progress) =>
        lazyLayers(
          {
            layers: layers.map(layer => layer.descriptor),
            diffIds: layers.map(layer => layer.diffId),
            repository: blobs.repository,
            facts: layers,
          },
          blobs,
          transfers,
          progress ?? noProgress,
        ),
      ),
    )
  }
}

async function configured<T>(type: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (e) {
    if (!(e instanceof SlipwayError) || e.message.startsWith('unknown cache')) throw e
    throw new SlipwayError(e.code, `failed to configure ${type} cache importer: ${e.message}`, { cause: e })
  }
}

/** A registry's cache is known by its reference, others by their type and a number that stands for the options. */
function nameOf({ type, attrs }: CacheEntry): string {
  const reference = attrs['ref']
  if (type === 'registry' && reference) return reference
  const text = JSON.stringify(Object.entries(attrs).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return `${type}:${createHash('sha256').update(text).digest().readBigUInt64BE(0)}`
}
