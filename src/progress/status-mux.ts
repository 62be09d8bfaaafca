import type { SolveStatus, StatusWriter } from '../status/solve-status.ts'

/** One of the streams that a `StatusMux` merges. Disposing it lets another stream bring the logs of its steps. */
export interface StatusSource extends Disposable {
  readonly write: StatusWriter
}

/**
 * Merges several status streams into one: the nodes of a builder, the targets of a bake, or several solves on one
 * daemon that share steps. Shared steps arrive once per stream; their states may repeat (the later replaces the
 * earlier), but their logs are taken from the stream that brought the first line only.
 */
export class StatusMux {
  readonly #write: StatusWriter
  readonly #owners = new Map<string, StatusSource>()

  constructor(write: StatusWriter) {
    this.#write = write
  }

  /** Opens a stream. */
  open(): StatusSource {
    const source: StatusSource = {
      write: status => this.#write(this.#withoutForeignLogs(source, status)),
      [Symbol.dispose]: () => {
        for (const [vertex, owner] of this.#owners) if (owner === source) this.#owners.delete(vertex)
      },
    }
    return source
  }

  #withoutForeignLogs(source: StatusSource, status: SolveStatus): SolveStatus {
    if (status.logs === undefined || status.logs.length === 0) return status
    const logs = status.logs.filter(log => {
      const owner = this.#owners.get(log.vertex) ?? source
      this.#owners.set(log.vertex, owner)
      return owner === source
    })
    return { ...status, logs }
  }
}
