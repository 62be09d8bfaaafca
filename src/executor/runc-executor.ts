import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectoriesSync } from '../bytes/make-directories.ts'
import { removeAbandonedGroups } from './cgroup.ts'
import type { ContainerSpec, Executor, ExitStatus, ProcessStdio, RunningContainer } from './executor.ts'
import type { ExecutorContext, ExecutorOptions } from './executor-context.ts'
import { detectFeatures } from './features.ts'
import { hostNetwork, noNetwork } from './network/network-provider.ts'
import { createProxyServices, type ProxyServices } from './proxy/proxy-network.ts'
import { findRuntime, type Runtime, systemPath } from './runtime.ts'
import { removeAbandonedScratch, Scratch } from './scratch.ts'
import { SpareWrapper } from './spare-wrapper.ts'
import { startContainer } from './start-container.ts'

export type { ExecutorOptions } from './executor-context.ts'

/**
 * An executor over runc or crun. Removes what killed processes left behind. Throws `failed-precondition` (`no OCI runtime
 * found`) on first use, not here, so that builds that run nothing need no runtime.
 */
export async function createExecutor(options: ExecutorOptions): Promise<Executor> {
  const directory = join(options.root, 'sandbox')
  const scratchRoot = join(options.root, 'scratch')
  for (const path of [directory, scratchRoot]) makeDirectoriesSync(path, 0o711)
  const features = detectFeatures()
  removeAbandonedScratch(scratchRoot)
  if (features.cgroups.writable) removeAbandonedGroups(features.cgroups, Date.now())
  const searchPath = options.searchPath ?? systemPath
  const spare = new SpareWrapper({ directory, searchPath })
  let runtime: Promise<Runtime> | undefined
  let proxy: Promise<ProxyServices> | undefined
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
      proxy: () => (proxy ??= createProxyServices()),
      options,
      scratch: id => new Scratch(scratchRoot, id),
      spare,
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
    try {
      await running.started()
      return running
    } catch (error) {
      await running[Symbol.asyncDispose]()
      throw error
    }
  }
}
