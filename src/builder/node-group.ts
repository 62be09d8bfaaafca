import type { Platform } from '../oci/descriptor.ts'

/** A node as an instance file keeps it. `undefined` is Go's nil, which is written as `null`. */
export interface StoredNode {
  readonly name: string
  /** Name of a docker context, address of a docker daemon, or what the driver makes of it. */
  readonly endpoint: string
  /** Platforms that the user fixed. */
  readonly platforms?: readonly Platform[]
  readonly driverOpts?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
  /** Files for the daemon's configuration folder, by path below it. */
  readonly files?: Readonly<Record<string, Uint8Array>>
}

/** A builder as its instance file keeps it. */
export interface NodeGroup {
  readonly name: string
  /** Empty where the context decides. */
  readonly driver: string
  readonly nodes: readonly StoredNode[]
  readonly dynamic: boolean
}
