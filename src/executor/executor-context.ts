import type { CdiRegistry } from './cdi/cdi-registry.ts'
import type { HostFeatures } from './features.ts'
import type { NetworkProvider, NetworkProviders } from './network/network-provider.ts'
import type { ProxyServices } from './proxy/proxy-network.ts'
import type { Runtime } from './runtime.ts'
import type { Scratch } from './scratch.ts'
import type { SpareWrapper } from './spare-wrapper.ts'
import type { TreeCopies } from './tree-copies.ts'
import type { DnsConfig } from './spec/resolv-conf.ts'

/** How to run containers. */
export interface ExecutorOptions {
  /** A directory of ours; made when missing. */
  readonly root: string
  /** Name or path of the runtime. @default runc, else crun */
  readonly runtime?: string | undefined
  /** Directories of programs, separated by colons. @default the system's own */
  readonly searchPath?: string | undefined
  /** How containers of network mode `default` are connected. @default they share the host's network */
  readonly network?: NetworkProvider | undefined
  readonly dns?: DnsConfig | undefined
  /** Parent control group of containers that name none. */
  readonly cgroupParent?: string | undefined
  /** An AppArmor profile that is loaded already. */
  readonly apparmorProfile?: string | undefined
  /** Reads the CDI devices as they are now; called by containers that ask for devices. */
  readonly loadCdi?: (() => Promise<CdiRegistry>) | undefined
  /** Given where overlayfs cannot be mounted: containers get copies of their trees. */
  readonly copies?: TreeCopies | undefined
}

/** Everything a container needs besides its specification. */
export interface ExecutorContext {
  /** An empty directory over which each sandbox mounts its private one. */
  readonly directory: string
  readonly runtime: Runtime
  readonly searchPath: string
  readonly features: HostFeatures
  readonly networks: NetworkProviders
  /** Made when it is first asked for. */
  readonly proxy: () => Promise<ProxyServices>
  readonly options: ExecutorOptions
  readonly scratch: (id: string) => Scratch
  readonly spare: SpareWrapper
  readonly link: (target: string, path: string) => void
}
