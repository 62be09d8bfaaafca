import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { removeAbandonedGroups } from './cgroup.ts'
import type { CdiRegistry } from './cdi/cdi-registry.ts'
import { startContainer } from './container.ts'
import type { ContainerSpec, Executor, ExitStatus, ProcessStdio, RunningContainer } from './executor.ts'
import { detectFeatures, type HostFeatures } from './features.ts'
import {
  hostNetwork,
  type NetworkProvider,
  noNetwork,
  type NetworkProviders,
} from './network/network-provider.ts'
import { findRuntime, type Runtime, systemPath } from './runtime.ts'
import { removeAbandonedScratch, Scratch } from './scratch.ts'
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
}

/** Everything a container needs besides its specification. */
export interface ExecutorContext {
  /** An empty directory over which each sandbox mounts its private one. */
  readonly directory: string
  readonly runtime: Runtime
  readonly searchPath: string
  readonly features: HostFeatures
  readonly networks: NetworkProviders
  readonly options: ExecutorOptions
  readonly scratch: (id: string) => Scratch
  readonly link: (target: string, path: string) => void
}

/**
 * An executor over runc or crun. Removes what killed processes left behind. Throws `failed-precondition` (`no OCI runtime
 * found`) on first use, not here, so that builds that run nothing need no runtime.
 */
export async function createExecutor(options: ExecutorOptions): Promise<Executor> {
  const directory = join(options.root, 'sandbox')
  const scratchRoot = join(options.root, 'scratch')
  for (const path of [directory, scratchRoot]) mkdirSync(path, { recursive: true, mode: 0o711 })
  const features = detectFeatures()
  removeAbandonedScratch(scratchRoot)
  if (features.cgroups.writable) removeAbandonedGroups(features.cgroups, Date.now())
  const searchPath = options.searchPath ?? systemPath
  let runtime: Promise<Runtime> | undefined
  const context = async (): Promise<ExecutorContext> => {
    runtime ??= findRuntime({ searchPath, binary: options.runtime })
    // A runtime that is installed meanwhile must be found.
    runtime.catch(() => {
      runtime = undefined
    })
    return {
      directory,
      runtime: await runtime,
      searchPath,
      features,
      networks: { default: options.network ?? hostNetwork, host: hostNetwork, none: noNetwork },
      options,
      scratch: id => new Scratch(scratchRoot, id),
      link: symlinkSync,
    }
  }
  return new RuncExecutor(context, options.network?.namespace === 'wrapper' ? 'cni' : 'host')
}

class RuncExecutor implements Executor {
  readonly networkMode: Executor['networkMode']
  readonly #context: () => Promise<ExecutorContext>

  constructor(context: () => Promise<ExecutorContext>, networkMode: Executor['networkMode']) {
    this.#context = context
    this.networkMode = networkMode
  }

  async run(container: ContainerSpec, stdio: ProcessStdio, signal?: AbortSignal): Promise<ExitStatus> {
    await using running = await startContainer(await this.#context(), container, stdio, signal)
    return await running.exit
  }

  async start(
    container: ContainerSpec,
    stdio: ProcessStdio,
    signal?: AbortSignal,
  ): Promise<RunningContainer> {
    const running = await startContainer(await this.#context(), container, stdio, signal)
    await running.started()
    return running
  }
}
