import type { CacheExporter, CacheImporter } from '../cache/backends/cache-backend.ts'
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
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Attributes } from '../exporter/attributes.ts'

/** What caches outside this machine are reached with. */
export interface CacheServices {
  readonly repository: OpenRepository
  readonly clientStore: OpenClientStore
}

const hint = 'caches are registry, local and inline'

/** The importer of a type. Throws `invalid-argument`. */
export function createCacheImporter(type: string, attrs: Attributes, services: CacheServices): CacheImporter {
  switch (type) {
    case 'registry':
      return createRegistryImporter(attrs, services.repository)
    case 'local':
      return createLocalImporter(attrs, services.clientStore)
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
    default:
      throw new SlipwayError('invalid-argument', `unknown cache exporter: ${JSON.stringify(type)}`, { hint })
  }
}
