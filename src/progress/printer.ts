import type { SolveStatus, StatusWriter, VertexWarning } from '../status/solve-status.ts'
import { type Display, type DisplayOptions, openDisplay, type ProgressMode } from './display.ts'
import { distinctWarnings } from './warnings.ts'

/** Gets every message that a printer gets, and has its own end after that of the display. */
export interface ProgressRecorder extends AsyncDisposable {
  readonly write: StatusWriter
}

/** How a printer shows, and who reads along. */
export interface PrinterOptions extends DisplayOptions {
  readonly recorder?: ProgressRecorder
}

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

  readonly #recorder: ProgressRecorder | undefined

  private constructor(mode: ProgressMode, options: PrinterOptions, display: Display) {
    this.#mode = mode
    this.#options = options
    this.#recorder = options.recorder
    this.#start(display)
  }

  /** Opens the display of a mode; throws what `openDisplay` throws. */
  static async open(mode: ProgressMode, options: PrinterOptions): Promise<ProgressPrinter> {
    return new ProgressPrinter(mode, options, await openDisplay(mode, options))
  }

  /** Draws a message, or keeps it while paused. After `close` it is dropped. */
  readonly write: StatusWriter = status => {
    if (this.#closed) return
    this.#recorder?.write(status)
    this.#show(status)
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
    for (const status of held) this.#show(status)
  }

  /** Draws the end. Calling it again does nothing. */
  close(): void {
    this.pause()
    this.#closed = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.#recorder?.[Symbol.asyncDispose]()
  }

  #show(status: SolveStatus): void {
    if (this.#display === undefined) {
      this.#held.push(status)
      return
    }
    this.#quietSince = this.#options.clock.now()
    this.#display.update(status)
    for (const warning of status.warnings ?? []) this.#warnings.push(warning)
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
