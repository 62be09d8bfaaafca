import type { ImageStore } from '../oci/image-store.ts'
import type { Platform } from '../oci/platform.ts'
import type { ImageLocation } from './image-location.ts'

/** What the operations of this folder work with. */
export interface ImageTools {
  /** The store of a location; the same one for locations with the same name. */
  readonly open: (location: ImageLocation) => ImageStore
  /** Platform of this machine, for what platform texts leave open. */
  readonly defaultPlatform: Platform
  readonly signal?: AbortSignal | undefined
}
