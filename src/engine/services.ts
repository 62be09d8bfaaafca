import type { ScopeServices } from '../attest/scope.ts'
import type { ContentStore } from '../content/content-store.ts'
import type { ImageNames } from '../content/image-names.ts'
import type { CdiRegistry } from '../executor/cdi/cdi-registry.ts'
import type { LayerPacker } from '../exporter/image-layers.ts'
import type { JsonValue } from '../gostd/json.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { CacheMounts } from '../ops/cache-mounts.ts'
import type { ExecServices } from '../ops/exec-op.ts'
import type { Trees } from '../ops/trees.ts'
import type { SessionStore } from '../session/session.ts'
import type { Snapshotter } from '../snapshot/snapshotter.ts'
import type { BuildHistory } from './history/build-history.ts'
import type { CacheServices } from './cache-backends.ts'
import type { BuildLease } from './build-lease.ts'
import type { DiskUsage } from './disk-usage.ts'
import type { Solver } from '../solver/solver.ts'
import type { GitSource } from '../source/git/git-source.ts'
import type { HttpSource } from '../source/http/http-source.ts'
import type { ImageLookup } from '../source/image/resolve-image.ts'
import type { ImageSource } from '../source/image/image-source.ts'

/** The parts of one engine, made once and shared by all builds. */
export interface EngineServices {
  readonly content: ContentStore
  readonly snapshotter: Snapshotter
  readonly images: ImageNames
  readonly packer: LayerPacker
  readonly trees: Trees
  readonly cacheMounts: CacheMounts
  /** What runs processes. */
  readonly exec: ExecServices
  readonly sessions: SessionStore
  readonly solver: Solver
  readonly lease: BuildLease
  readonly usage: DiskUsage
  readonly imageSource: ImageSource
  readonly git: GitSource
  readonly http: HttpSource
  readonly lookup: ImageLookup
  readonly caches: CacheServices
  readonly history: BuildHistory
  /** What provenance of all builds has in common. */
  readonly provenance: ScopeServices
  /** What the administrator wants to be said in every provenance. */
  readonly environment: Readonly<Record<string, JsonValue>>
  /** Reads the devices of the machine as they are now. */
  readonly loadDevices: () => Promise<CdiRegistry>
  /** Entitlements that builds may be given; undefined: all that they ask for. */
  readonly entitlements: readonly string[] | undefined
  /** Steps of all builds reach the network through a proxy only. */
  readonly proxyNetwork: boolean
  /** Identity of the state directory. */
  readonly workerId: string
  readonly hostname: string
  /** Labels of the worker besides, or in place of, its own. */
  readonly labels: Readonly<Record<string, string>>
  readonly hostPlatform: Platform
  /** Native platform first, then those that are emulated. Read anew every so often. */
  readonly platforms: () => readonly Platform[]
  /** Milliseconds since 1970. */
  readonly now: () => number
}
