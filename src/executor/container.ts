import { existsSync } from 'node:fs'
import { abortError, sleep, throwIfAborted } from '../async/abort.ts'
import { type ContainerHandle, execProcess, signalContainer } from './container-process.ts'
import type { ExecFormatWatch } from './exec-format-hint.ts'
import type {
  ContainerSpec,
  ExitStatus,
  ProcessSpec,
  ProcessStdio,
  RunningContainer,
  RunningProcess,
  TerminalSize,
} from './executor.ts'
import type { ExecutorContext } from './executor-context.ts'
import { environmentOf } from './proxy/proxy-network.ts'
import { capabilitiesOf, processSpec } from './spec/generate-spec.ts'
import { resizeTerminal } from './terminal.ts'

/** What a started container is made of. */
export interface ContainerParts {
  readonly context: ExecutorContext
  readonly container: ContainerSpec
  readonly handle: ContainerHandle
  readonly stdio: ProcessStdio
  readonly watch: ExecFormatWatch
  readonly outOfMemory: () => boolean
  readonly signal: AbortSignal | undefined
  /** Disposed when the container has ended. */
  readonly resources: AsyncDisposableStack
}

/** A container whose runtime runs. */
export class Container implements RunningContainer {
  readonly exit: Promise<ExitStatus>
  readonly #parts: ContainerParts
  #processes = 0

  constructor(parts: ContainerParts) {
    this.#parts = parts
    this.exit = this.#finish()
    this.exit.catch(() => {})
  }

  /** Resolves when the first process runs, or has ended. */
  async started(): Promise<void> {
    const { sandbox, directory } = this.#parts.handle
    const ended = sandbox.exit.then(() => true)
    while (!existsSync(`${sandbox.view}${directory}/pid`)) {
      if (await Promise.race([ended, sleep(5)])) break
    }
    throwIfAborted(this.#parts.signal)
  }

  async exec(process: ProcessSpec, stdio: ProcessStdio, signal?: AbortSignal): Promise<RunningProcess> {
    const { handle, container, context } = this.#parts
    const capabilities = capabilitiesOf(container.security === 'insecure', context.features.machine)
    const name = `exec${this.#processes++}`
    const proxied = { ...process, env: environmentOf(container, process) }
    return await execProcess(handle, name, processSpec(proxied, capabilities, stdio.tty), stdio, signal)
  }

  async signal(name: string): Promise<void> {
    await signalContainer(this.#parts.handle, name)
  }

  async resize(size: TerminalSize): Promise<void> {
    const { handle, stdio } = this.#parts
    if (stdio.tty === undefined) return
    await resizeTerminal(`${handle.sandbox.view}${handle.directory}/tty`, size, handle.searchPath)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.handle.sandbox.kill()
    await this.exit.catch(() => {})
  }

  /** Waits for the end and releases everything. Of several failures the first counts. */
  async #finish(): Promise<ExitStatus> {
    const { resources } = this.#parts
    try {
      const status = await this.#status()
      await resources.disposeAsync()
      return status
    } catch (error) {
      await resources.disposeAsync().catch(() => {})
      throw error
    }
  }

  async #status(): Promise<ExitStatus> {
    const { container, context, handle, signal, watch, outOfMemory } = this.#parts
    const onAbort = (): void => {
      handle.sandbox.kill().catch(() => {})
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    try {
      const code = await handle.sandbox.exit
      if (signal?.aborted) throw abortError(signal)
      if (code === 0) return { code }
      const hint = watch.hint(container.platform, context.features.machine.arch)
      return {
        code,
        ...(outOfMemory() ? { oomKilled: true } : {}),
        ...(hint === undefined ? {} : { hint }),
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }
}
