import type { ExportProgress } from './export-context.ts'

/** A push is shown without figures, as BuildKit shows it, unless it takes longer than this (ms) … */
const patience = 1000
/** … and there is this much to send (bytes). */
const worthShowing = 4 << 20
/** Time between figures (ms). */
const pause = 200

/** How much of the blobs of a push has been sent, as figures of one of its steps. */
export class PushTraffic {
  readonly #show: (state: { readonly current: number; readonly total: number }) => void
  readonly #now: () => number
  readonly #begun: number
  readonly #sent = new Map<string, number>()
  #total = 0
  #current = 0
  #next = 0

  /** `now` in ms, from any moment on. */
  constructor(progress: ExportProgress, step: string, now: () => number = () => performance.now()) {
    this.#show = state => progress.status(step, state)
    this.#now = now
    this.#begun = now()
  }

  /** A blob will be sent. */
  add(size: number): void {
    this.#total += size
  }

  /** What passes is counted, from `offset` on: what had to be sent twice counts once. */
  async *counted(
    digest: string,
    offset: number,
    content: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let at = offset
    for await (const chunk of content) {
      yield chunk
      at += chunk.length
      this.#current += at - (this.#sent.get(digest) ?? 0)
      this.#sent.set(digest, at)
      this.#tell()
    }
  }

  #tell(): void {
    const time = this.#now() - this.#begun
    if (time < patience || time < this.#next || this.#total < worthShowing) return
    this.#next = time + pause
    this.#show({ current: this.#current, total: this.#total })
  }

  /** The last figures, where there were some. */
  end(): void {
    if (this.#next > 0) this.#show({ current: this.#current, total: this.#total })
  }
}
