import type { Duplex } from 'node:stream'
import type { Platform } from '../oci/descriptor.ts'
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
  /** The daemon pushes images itself; otherwise docker is asked to. @default true */
  readonly directPush?: boolean
  /** Images are known by the digest of their manifest or index; absent: the daemon has no images of its own. */
  readonly prefersImageDigest?: boolean
  /** A result without an output is loaded into docker. @default false */
  readonly defaultLoad?: boolean
}

/** One of several daemons that a node stands for: a pod of a deployment. */
export interface DynamicNode {
  /** Those that it is for, whatever it says itself; empty for all that it has. */
  readonly platforms: readonly Platform[]
}

/** One node of a builder: something that answers BuildKit's API, and how it is started and reached. */
export interface Driver {
  /** `embedded`, `docker`, `docker-container`, `kubernetes`, `remote`. */
  readonly name: string
  /** Never starts anything. Throws `unavailable` where what would run the node cannot be asked. */
  status(signal: AbortSignal): Promise<NodeStatus>
  /** Daemons behind a running node, where they are not known in advance. */
  dynamicNodes?(signal: AbortSignal): Promise<readonly DynamicNode[]>
  /** Starts the node where it is not running; steps are shown through `write`. */
  bootstrap(write: StatusWriter, signal: AbortSignal): Promise<void>
  /** Waits for the daemon of a running node that somebody else has just started. */
  ready?(signal: AbortSignal): Promise<void>
  /** Connects; the node must run. Throws `unavailable` naming node and address. */
  dial(signal: AbortSignal): Promise<BuildkitConnection>
  /** The same connection as plain bytes (HTTP/2 without TLS). The caller ends it. */
  open(signal: AbortSignal): Promise<Duplex>
  /** Version of a daemon that does not tell itself. */
  version?(signal: AbortSignal): Promise<string>
  features(signal: AbortSignal): Promise<DriverFeatures>
  /** Address under which builds reach the machine that runs the node; absent: the driver does not know it. */
  hostGateway?(signal: AbortSignal): Promise<string>
  stop(options: { readonly force: boolean }, signal: AbortSignal): Promise<void>
  remove(
    options: { readonly force: boolean; readonly keepState: boolean; readonly keepDaemon: boolean },
    signal: AbortSignal,
  ): Promise<void>
}
