import type { ChildProcess } from 'node:child_process'
import { waitingScript } from './root/setup-script.ts'
import { startWrapper } from './sandbox.ts'

/** How long one waits for the next container, in milliseconds: its view of the machine's mounts grows old. */
const longestWait = 1000

/**
 * A wrapper process that was started while a container runs, so that the next one need not wait for it: a tenth of what a
 * short step takes. At most one, only for containers without input of their own on the host's network.
 */
export class SpareWrapper {
  readonly #options: { readonly directory: string; readonly searchPath: string }
  #wrapper: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: { readonly directory: string; readonly searchPath: string }) {
    this.#options = options
  }

  /** Starts one if there is none. It is killed when nobody takes it soon, and by the kernel when this thread ends. */
  prepare(): void {
    if (this.#wrapper !== undefined) return
    const { directory, searchPath } = this.#options
    const script = waitingScript(directory)
    const wrapper = startWrapper({ script, stdin: 'none', network: false, searchPath })
    wrapper.on('error', () => {}) // the next container starts its own, and says why that fails
    wrapper.stdio[3]?.on('error', () => {})
    this.#wrapper = wrapper
    this.#timer = setTimeout(() => this.take()?.kill('SIGKILL'), longestWait)
  }

  /** The one that waits, if it is still alive; the caller's from now on. */
  take(): ChildProcess | undefined {
    const wrapper = this.#wrapper
    this.#wrapper = undefined
    clearTimeout(this.#timer)
    const alive = wrapper?.pid !== undefined && wrapper.exitCode === null && wrapper.signalCode === null
    return alive ? wrapper : undefined
  }
}
