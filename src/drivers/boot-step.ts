import { createHash, randomUUID } from 'node:crypto'
import type { StatusWriter, Vertex } from '../status/solve-status.ts'

/** A step of the client while it runs. */
export interface BootStep {
  /** Shows a part of the step on a row of its own. */
  part<T>(name: string, work: () => Promise<T>): Promise<T>
  /** Adds to the log of the step: 1 = standard output, 2 = standard error. */
  log(stream: 1 | 2, data: Uint8Array): void
  /** Shows how far something is, in bytes. */
  row(id: string, current: number, total: number, started: number, completed?: number): void
}

/** Shows `work` as a vertex for as long as it runs; a failure ends the vertex with its message and is thrown on. */
export async function bootStep<T>(
  write: StatusWriter,
  name: string,
  work: (step: BootStep) => Promise<T>,
): Promise<T> {
  const digest = `sha256:${createHash('sha256').update(randomUUID()).digest('hex')}`
  const vertex: Vertex = { digest, name, started: Date.now() }
  write({ vertexes: [vertex] })
  const step: BootStep = {
    async part(id, inner) {
      const started = Date.now()
      const status = { id, vertex: digest, current: 0, started }
      write({ statuses: [{ ...status, timestamp: started }] })
      try {
        return await inner()
      } finally {
        const completed = Date.now()
        write({ statuses: [{ ...status, timestamp: completed, completed }] })
      }
    },
    log: (stream, data) => write({ logs: [{ vertex: digest, stream, data, timestamp: Date.now() }] }),
    row: (id, current, total, started, completed) =>
      write({
        statuses: [{ id, vertex: digest, current, total, started, completed, timestamp: Date.now() }],
      }),
  }
  try {
    const result = await work(step)
    write({ vertexes: [{ ...vertex, completed: Date.now() }] })
    return result
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    write({ vertexes: [{ ...vertex, completed: Date.now(), error: message }] })
    throw error
  }
}
