import { type StepContainer, openContainer, type StepProcess } from '../../buildkit/client/step-container.ts'
import type { InvokeConfig } from '../../build/invoke-config.ts'
import { newBuildRef } from '../../build/run-build.ts'
import { type StoppedBuild, stepTrees, stepWords } from '../../build/stopped-build.ts'
import { asSlipwayError, SlipwayError, wrapError } from '../../errors/slipway-error.ts'

/** Output that nobody looks at is kept up to this (bytes), its end. */
const heldLimit = 1024 * 1024

/** A process that was started from the monitor. */
export interface RunningProcess extends StepProcess {
  readonly id: string
  readonly words: readonly string[]
  /** Gives what was held, then every chunk as it comes, to `show`; undefined holds again. */
  showTo(show: ((chunk: Uint8Array) => void) | undefined): void
}

/** The container of a stopped build and what runs in it. Disposing ends all. */
export class StepProcesses implements AsyncDisposable {
  readonly #build: StoppedBuild
  readonly #running = new Map<string, RunningProcess>()
  #container: StepContainer | undefined
  #isOver = false

  constructor(build: StoppedBuild) {
    this.#build = build
  }

  /** Those that run, in the order of their beginning. */
  get running(): readonly RunningProcess[] {
    return [...this.#running.values()]
  }

  /** The process of an id, if it still runs. */
  get(id: string): RunningProcess | undefined {
    return this.#running.get(id)
  }

  /**
   * Starts a process: in the container that is there, or in a new one where `fresh`, where there is none, or where its first
   * process has ended. Throws where none can be made.
   */
  async start(id: string, config: InvokeConfig, fresh: boolean): Promise<RunningProcess> {
    if (fresh) await this.#end()
    const isInit = this.#container === undefined
    const container = (this.#container ??= await this.#open(config))
    if (this.#isOver) {
      await container[Symbol.asyncDispose]()
      throw new SlipwayError('canceled', 'context canceled')
    }
    const { tty } = config
    const held = new HeldOutput()
    const stdout = (chunk: Uint8Array): void => held.write(chunk)
    const process = container.start(id, {
      ...stepWords(this.#build, config),
      tty,
      stdout,
      stderr: stdout,
    })
    const words = [...(config.entrypoint ?? []), ...(config.cmd ?? [])]
    const running: RunningProcess = {
      id,
      words,
      ended: process.ended.then(
        async () => await this.#ended(id, container, isInit),
        async (e: unknown) => {
          await this.#ended(id, container, true)
          throw e
        },
      ),
      write: chunk => process.write(chunk),
      resize: (rows, columns) => process.resize(rows, columns),
      kill: signal => process.kill(signal),
      showTo: show => held.showTo(show),
    }
    running.ended.catch(() => undefined)
    this.#running.set(id, running)
    return running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#end()
  }

  async #end(): Promise<void> {
    for (const process of this.running) process.kill('KILL')
    const container = this.#container
    this.#container = undefined
    await container?.[Symbol.asyncDispose]()
  }

  async #open(config: InvokeConfig): Promise<StepContainer> {
    const what = 'failed to create container'
    const trees = this.#trees(config, what)
    const request = { ContainerID: newBuildRef(), Mounts: trees.mounts, Network: trees.network }
    return await openContainer(this.#build.bridge, request).catch((e: unknown) => {
      throw wrapError(what, e)
    })
  }

  #trees(config: InvokeConfig, what: string): ReturnType<typeof stepTrees> {
    try {
      return stepTrees(this.#build, config)
    } catch (e) {
      const { code, message } = asSlipwayError(e)
      throw new SlipwayError(code, `${what}: no result nor error is available: ${message}`, { cause: e })
    }
  }

  /** A container is of no use once its first process has ended, or another one with an error. */
  async #ended(id: string, container: StepContainer, isLast: boolean): Promise<void> {
    this.#running.delete(id)
    if (!isLast) return
    if (this.#container === container) this.#container = undefined
    await container[Symbol.asyncDispose]()
  }
}

class HeldOutput {
  #show: ((chunk: Uint8Array) => void) | undefined
  #held: Uint8Array[] = []
  #size = 0

  write(chunk: Uint8Array): void {
    if (this.#show !== undefined) return this.#show(chunk)
    this.#held.push(chunk)
    this.#size += chunk.length
    while (this.#size > heldLimit && this.#held.length > 1) this.#size -= this.#held.shift()?.length ?? 0
  }

  showTo(show: ((chunk: Uint8Array) => void) | undefined): void {
    this.#show = show
    if (show === undefined) return
    for (const chunk of this.#held.splice(0)) show(chunk)
    this.#size = 0
  }
}
