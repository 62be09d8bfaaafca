import { collectBounded } from '../../../async/map-bounded.ts'
import { memoize } from '../../../async/memoize.ts'
import { bytesOf } from '../../../bytes/byte-stream.ts'
import { SlipwayError, wrapError } from '../../../errors/slipway-error.ts'
import type { Attributes } from '../../../exporter/attributes.ts'
import { readCompression } from '../../../exporter/compression-options.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import type { CacheBlobs, CacheExporter, CacheImporter, ImportedCache } from '../cache-backend.ts'
import { describedCache, readDescribed, writeLayers } from '../described-cache.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import type { ActionsCache } from './actions-cache.ts'
import { ActionsCacheV1 } from './cache-v1.ts'
import { ActionsCacheV2 } from './cache-v2.ts'
import {
  blobKey,
  blobKeyPrefix,
  type GhaConfig,
  indexKey,
  readGhaConfig,
  writtenScope,
} from './gha-config.ts'
import { listKeys } from './list-keys.ts'
import { type CacheScope, readRuntimeToken } from './runtime-token.ts'
import { saveNumbered } from './save-numbered.ts'

/** Layers, or descriptions, at the same time. */
const parallel = 4

/**
 * `type=gha`: the caches of all branches that the token may read. Throws `invalid-argument`.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/gha/gha.go
 */
export function createGhaImporter(attrs: Attributes, access: CloudAccess): CacheImporter {
  const { config, scopes, cache } = open(attrs, access)
  return {
    async load({ signal }) {
      const load = ({ scope }: CacheScope): Promise<ImportedCache | undefined> =>
        readDescribed(async () => {
          const found = await cache.load(indexKey(config, scope), signal)
          return found?.read(-1, signal)
        })
      const caches = await collectBounded(scopes, load, { limit: parallel, signal })
      return { caches: caches.filter(one => one !== undefined), blobs: blobsOf(cache, signal) }
    },
  }
}

function blobsOf(cache: ActionsCache, whole: AbortSignal): CacheBlobs {
  return {
    async *fetch({ digest, size }: Descriptor, { signal = whole } = {}) {
      const found = await cache.load(blobKey(digest), signal)
      if (found === undefined) throw new SlipwayError('not-found', `blob ${digest}: not found`)
      yield* found.read(size, signal)
    },
  }
}

/** `type=gha`: a cache written for the branch of the workflow run. Throws `invalid-argument`. */
export function createGhaExporter(attrs: Attributes, access: CloudAccess): CacheExporter {
  const { config, scopes, cache } = open(attrs, access)
  return {
    name: 'exporting to GitHub Actions Cache',
    compression: readCompression({}),
    async write(marshaled, read, ctx) {
      const { signal } = ctx
      const known = memoize(() => knownKeys(config, scopes, access, signal))
      await writeLayers(
        marshaled,
        {
          limit: parallel,
          async missing({ descriptor }, stop) {
            const key = blobKey(descriptor.digest)
            const keys = await known()
            return keys === undefined ? (await cache.load(key, stop)) === undefined : !keys.has(key)
          },
          async put(layer, stop) {
            const { digest, size } = layer.descriptor
            const content = { size, open: (offset: number) => read(layer, offset, stop) }
            try {
              await cache.save(blobKey(digest), content, stop)
            } catch (error) {
              throw wrapError('error writing layer blob', error)
            }
          },
        },
        ctx,
      )
      const bytes = describedCache(marshaled)
      const content = { size: bytes.byteLength, open: (offset: number) => bytesOf(bytes.subarray(offset)) }
      await saveNumbered(cache, indexKey(config, writtenScope(scopes)), content, { access, signal })
      return {}
    },
  }
}

interface OpenCache {
  readonly config: GhaConfig
  readonly scopes: readonly CacheScope[]
  readonly cache: ActionsCache
}

function open(attrs: Attributes, access: CloudAccess): OpenCache {
  const config = readGhaConfig(attrs)
  const scopes = readRuntimeToken(config.token, access.now())
  const cache = config.version === 2 ? new ActionsCacheV2(config, access) : new ActionsCacheV1(config, access)
  return { config, scopes, cache }
}

/** Keys of all layers that are there; undefined where they cannot be listed: then each is asked for. */
async function knownKeys(
  { listing }: GhaConfig,
  scopes: readonly CacheScope[],
  access: CloudAccess,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  if (listing === undefined) return undefined
  try {
    const list = ({ scope }: CacheScope): Promise<readonly string[]> =>
      listKeys({ ...listing, branch: scope, prefix: blobKeyPrefix }, access, signal)
    return new Set((await collectBounded(scopes, list, { limit: parallel, signal })).flat())
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
