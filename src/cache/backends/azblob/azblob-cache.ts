import { collectBounded } from '../../../async/map-bounded.ts'
import { bytesOf } from '../../../bytes/byte-stream.ts'
import { wrapError } from '../../../errors/slipway-error.ts'
import type { Attributes } from '../../../exporter/attributes.ts'
import { readCompression } from '../../../exporter/compression-options.ts'
import type { CacheContext, CacheExporter, CacheImporter, ImportedCache } from '../cache-backend.ts'
import { describedCache, readDescribed, writeLayers } from '../described-cache.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import { renewed } from '../service/renewed.ts'
import { azureToken } from './access-token.ts'
import { type AzblobConfig, readAzblobConfig } from './azblob-config.ts'
import { BlobContainer } from './blob-container.ts'

/** Layers, or descriptions, at the same time. */
const parallel = 4
/** How long a token is used without asking again (ms). */
const tokenLife = 10 * 60 * 1000

/**
 * `type=azblob`: a cache read from a container, under all its names; one that is not there is empty. Throws
 * `invalid-argument`.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/azblob/importer.go
 */
export function createAzblobImporter(attrs: Attributes, access: CloudAccess): CacheImporter {
  const config = readAzblobConfig(attrs, access.env)
  return {
    async load(ctx) {
      const container = await openContainer(config, access, ctx)
      const load = async (name: string): Promise<ImportedCache | undefined> => {
        try {
          return await loadOne(container, config.manifestKey(name), ctx)
        } catch (error) {
          throw wrapError(`failed to load cache manifest ${name}`, error)
        }
      }
      const found = await collectBounded(config.names, load, { limit: parallel, signal: ctx.signal })
      return {
        caches: found.filter(cache => cache !== undefined),
        blobs: {
          fetch: ({ digest, size }, { signal } = {}) => container.read(config.blobKey(digest), size, signal),
        },
      }
    },
  }
}

async function loadOne(
  container: BlobContainer,
  key: string,
  ctx: CacheContext,
): Promise<ImportedCache | undefined> {
  const cache = await readDescribed(() => container.get(key))
  if (cache === undefined) return undefined
  const count = new Set(cache.config.layers.map(layer => layer.blob)).size
  await ctx.progress.step(`found ${count} layers in cache`, async () => undefined)
  return cache
}

/** `type=azblob`: a cache written into a container under all its names. Throws `invalid-argument`. */
export function createAzblobExporter(attrs: Attributes, access: CloudAccess): CacheExporter {
  const config = readAzblobConfig(attrs, access.env)
  return {
    name: 'exporting cache to Azure Blob Storage',
    compression: readCompression({}),
    async write(cache, read, ctx) {
      const container = await openContainer(config, access, ctx)
      await writeLayers(
        cache,
        {
          limit: parallel,
          missing: async ({ descriptor }, signal) =>
            !(await container.has(config.blobKey(descriptor.digest), signal)),
          put: (layer, signal) => {
            const { digest, size } = layer.descriptor
            const content = { size, open: (offset: number) => read(layer, offset, signal) }
            return container.put(config.blobKey(digest), content, { once: true, signal })
          },
        },
        ctx,
      )
      const bytes = describedCache(cache)
      const content = { size: bytes.byteLength, open: (offset: number) => bytesOf(bytes.subarray(offset)) }
      for (const name of config.names) {
        try {
          await container.put(config.manifestKey(name), content)
        } catch (error) {
          throw wrapError(`error writing manifest ${name}`, error)
        }
      }
      return {}
    },
  }
}

function openContainer(
  config: AzblobConfig,
  access: CloudAccess,
  { signal }: CacheContext,
): Promise<BlobContainer> {
  const token = renewed(() => azureToken(access, signal), tokenLife, access.now)
  return BlobContainer.open(config, access, { token, signal })
}
