import type { Platform } from '../../oci/descriptor.ts'
import type { ImageConfig } from '../../oci/image-config.ts'

/** PATH of images that do not set one. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A configuration that says nothing. */
export function emptyImage(): ImageConfig {
  return { architecture: '', os: '', config: {}, rootfs: { type: '', diff_ids: [] }, history: [] }
}

/** The configuration that `FROM scratch` starts with. */
export function scratchImage(platform: Platform): ImageConfig {
  return {
    ...platform,
    config: {
      WorkingDir: '/',
      ...(platform.os === 'windows' ? {} : { Env: [`PATH=${defaultPath}`] }),
    },
    rootfs: { type: 'layers', diff_ids: [] },
    history: [],
  }
}
