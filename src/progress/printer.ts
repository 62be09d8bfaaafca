import type { SolveStatus, StatusWriter, VertexWarning } from '../status/solve-status.ts'
import { type Display, type DisplayOptions, openDisplay, type ProgressMode } from './display.ts'
import { distinctWarnings } from './warnings.ts'

/** Milliseconds without a message after which the display is refreshed. */
const tick = 150

/**
 * Draws one build after the other on a terminal. Messages go in by `write`; `close` draws the end. While it is paused
 * the terminal is free for others (a debug shell, a prompt), messages wait and are drawn by a new display afterwards.
 */
export class ProgressPrinter implements AsyncDisposable {
  readonly #mode: ProgressMode
  readonly #options: DisplayOptions
  readonly #warnings: VertexWarning[] = []
  #display: Display | undefined
  #timer: Disposable | undefined
  #quietSince = 0
  #held: SolveStatus[] = []
  #closed = false

  private constructor(mode: ProgressMode, options: DisplayOptions, display: Display) {
    this.#mode = mode
    this.#options = options
    this.#start(display)
  }

  /** Opens the display of a mode; throws what `openDisplay` throws. */
  static async open(mode: ProgressMode, options: DisplayOptions): Promise<ProgressPrinter> {
    return new ProgressPrinter(mode, options, await openDisplay(mode, options))
  }

  /** Draws a message, or keeps it while paused. After `close` it is dropped. */
  readonly write: StatusWriter = status => {
    if (this.#closed) return
    if (this.#display === undefined) {
      this.#held.push(status)
      return
    }
    this.#quietSince = this.#options.clock.now()
    this.#display.update(status)
    for (const warning of status.warnings ?? []) this.#warnings.push(warning)
  }

  /** All warnings so far, without repetitions. */
  get warnings(): readonly VertexWarning[] {
    return distinctWarnings(this.#warnings)
  }

  /** Draws the end of what was shown and leaves the terminal alone until `resume`. */
  pause(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#display?.done()
    this.#display = undefined
  }

  /** Goes on with a new display, beginning with what came meanwhile. */
  async resume(): Promise<void> {
    if (this.#display !== undefined || this.#closed) return
    this.#start(await openDisplay(this.#mode, this.#options))
    const held = this.#held
    this.#held = []
    for (const status of held) this.write(status)
  }

  /** Draws the end. Calling it again does nothing. */
  close(): void {
    this.pause()
    this.#closed = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #start(display: Display): void {
    const { clock } = this.#options
    this.#display = display
    this.#quietSince = clock.now()
    this.#timer = clock.every(tick / 3, () => {
      if (clock.now() - this.#quietSince < (this.#options.rate ?? tick)) return
      this.#quietSince = clock.now()
      this.#display?.refresh()
    })
  }
}
