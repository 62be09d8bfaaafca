import { arch, endianness } from 'node:os'
import type { Platform } from '../oci/descriptor.ts'
import { platformOfMachine } from '../oci/host-platform.ts'

/** The platform of the machine that this process runs on. */
export function hostPlatform(): Platform {
  return platformOfMachine({ arch: arch(), endianness: endianness() })
}
