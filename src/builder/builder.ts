import type { Driver } from '../drivers/driver.ts'
import type { SlipwayError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { StoredNode } from './node-group.ts'

export type { Driver, DriverFeatures } from '../drivers/driver.ts'

/** A node of a builder, with its driver unless that could not be made. */
export interface BuilderNode {
  readonly name: string
  readonly endpoint: string
  /** Platforms that the user fixed. */
  readonly platforms: readonly Platform[]
  readonly stored: StoredNode
  /** Proxies that builds on this node are told of, by the names of build arguments. */
  readonly proxy: Readonly<Record<string, string>>
  readonly driver: Driver | undefined
  /** Why there is no driver. */
  readonly error: SlipwayError | undefined
}

/** A builder: one node or several that build together. */
export interface Builder {
  readonly name: string
  /** Empty where it could not be found out. */
  readonly driverName: string
  readonly nodes: readonly BuilderNode[]
  /** It belongs to a docker context, or is the embedded engine: it is in no file and cannot be removed. */
  readonly isContext: boolean
  readonly dynamic: boolean
  /** Milliseconds since the epoch; undefined: never used. */
  readonly lastActivity: number | undefined
  /** Why the whole builder cannot be used. */
  readonly error: SlipwayError | undefined
  /** In lists: the embedded engine is shown in place of docker's builder, which was asked for but has this error. */
  readonly standsInFor?: SlipwayError
}
