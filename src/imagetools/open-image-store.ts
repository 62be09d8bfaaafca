import { SlipwayError } from '../errors/slipway-error.ts'
import type { ImageStore } from '../oci/image-store.ts'
import type { LayoutLock } from '../registry/layout/index-file.ts'
import { LayoutStore } from '../registry/layout/layout-store.ts'
import type { RegistryClient } from '../registry/registry-client.ts'
import { type ImageLocation, locationName } from './image-location.ts'
import { LocalImageStore, type LocalStore } from './local-image-store.ts'

/** The stores that locations may lie in. */
export interface StoreSources {
  readonly registry: RegistryClient
  /** The local store; without it `local://` is refused. */
  readonly local?: LocalStore
  readonly layoutLock?: LayoutLock
}

/** Opens stores by location, each once. */
export function imageStoreOpener(sources: StoreSources): (location: ImageLocation) => ImageStore {
  const opened = new Map<string, ImageStore>()
  const open = (location: ImageLocation): ImageStore => {
    switch (location.kind) {
      case 'registry':
        return sources.registry.repository(location.reference)
      case 'layout': {
        const lock = sources.layoutLock
        return new LayoutStore(location.layout.directory, lock === undefined ? {} : { lock })
      }
      case 'local':
        if (sources.local !== undefined) return new LocalImageStore(location.reference, sources.local)
        throw new SlipwayError('failed-precondition', 'no local image store is open', {
          hint: 'local:// names images of the embedded engine on this machine',
        })
      default:
        return location satisfies never
    }
  }
  return location => {
    const key = `${location.kind} ${locationName(location)}`
    const store = opened.get(key) ?? open(location)
    opened.set(key, store)
    return store
  }
}
