import type { BuildkitConnection } from '../session/connection.ts'
import type { StatusWriter } from '../status/solve-status.ts'

/** State of a node as lists show it. */
export type NodeStatus = 'inactive' | 'starting' | 'running' | 'stopping' | 'stopped' | 'error'

/** What a driver can do that clients ask about. Source: https://github.com/docker/buildx/blob/v0.36.1/driver/features.go */
export interface DriverFeatures {
  readonly ociExporter: boolean
  readonly dockerExporter: boolean
  readonly cacheExport: boolean
  readonly multiPlatform: boolean
  readonly attestations: boolean
  /** A result without an output stays in a store of images, rather than in the build cache only. */
  readonly keepsImages: boolean
}

/** One node of a builder: something that answers BuildKit's API, and how it is started and reached. */
export interface Driver {
  /** `embedded`, `docker`, `docker-container`, `kubernetes`, `remote`. */
  readonly name: string
  status(signal: AbortSignal): Promise<NodeStatus>
  /** Starts the node where it is not running; steps are shown through `write`. */
  bootstrap(write: StatusWriter, signal: AbortSignal): Promise<void>
  /** Connects; the node must run. Throws `unavailable` naming node and address. */
  dial(signal: AbortSignal): Promise<BuildkitConnection>
  features(signal: AbortSignal): Promise<DriverFeatures>
  stop(options: { readonly force: boolean }, signal: AbortSignal): Promise<void>
  remove(
    options: { readonly force: boolean; readonly keepState: boolean; readonly keepDaemon: boolean },
    signal: AbortSignal,
  ): Promise<void>
}

