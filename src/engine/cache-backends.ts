import { createAzblobExporter, createAzblobImporter } from '../cache/backends/azblob/azblob-cache.ts'
import type { CacheExporter, CacheImporter } from '../cache/backends/cache-backend.ts'
import { createGhaExporter, createGhaImporter } from '../cache/backends/gha/gha-cache.ts'
import {
  createLocalExporter,
  createLocalImporter,
  type OpenClientStore,
} from '../cache/backends/local-cache.ts'
import {
  createRegistryExporter,
  createRegistryImporter,
  type OpenRepository,
} from '../cache/backends/registry-cache.ts'
import { createS3Exporter, createS3Importer } from '../cache/backends/s3/s3-cache.ts'
import type { CloudAccess } from '../cache/backends/service/cloud-access.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Attributes } from '../exporter/attributes.ts'

/** What caches outside this machine are reached with. */
export interface CacheServices {
  readonly repository: OpenRepository
  readonly clientStore: OpenClientStore
  readonly cloud: CloudAccess
  /** The administrator wants caches of GitHub Actions to be signed, or their signatures to be verified. */
  readonly signedGha: boolean
}

const hint = 'caches are registry, local, gha, s3, azblob and inline'

/** The importer of a type. Throws `invalid-argument`. */
export function createCacheImporter(type: string, attrs: Attributes, services: CacheServices): CacheImporter {
  switch (type) {
    case 'registry':
      return createRegistryImporter(attrs, services.repository)
    case 'local':
      return createLocalImporter(attrs, services.clientStore)
    case 'gha':
      refuseSigned(services)
      return createGhaImporter(attrs, services.cloud)
    case 's3':
      return createS3Importer(attrs, services.cloud)
    case 'azblob':
      return createAzblobImporter(attrs, services.cloud)
    default:
      throw new SlipwayError('invalid-argument', `unknown cache importer: ${type}`, { hint })
  }
}

/** The exporter of a type; inline caches are none, they are part of an image. Throws `invalid-argument`. */
export function createCacheExporter(type: string, attrs: Attributes, services: CacheServices): CacheExporter {
  switch (type) {
    case 'registry':
      return createRegistryExporter(attrs, services.repository)
    case 'local':
      return createLocalExporter(attrs, services.clientStore)
    case 'gha':
      refuseSigned(services)
      return createGhaExporter(attrs, services.cloud)
    case 's3':
      return createS3Exporter(attrs, services.cloud)
    case 'azblob':
      return createAzblobExporter(attrs, services.cloud)
    default:
      throw new SlipwayError('invalid-argument', `unknown cache exporter: ${JSON.stringify(type)}`, { hint })
  }
}

/** Better no cache than one whose signatures are not looked at although they should be. */
function refuseSigned({ signedGha }: CacheServices): void {
  if (!signedGha) return
  throw new SlipwayError('unimplemented', 'signed github actions caches are not supported', {
    hint: 'remove [ghacache.sign] and [ghacache.verify] from the configuration of this daemon',
  })
}
