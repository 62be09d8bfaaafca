import { createHash, randomUUID } from 'node:crypto'
import type { StatusWriter, Timestamp, Vertex } from '../status/solve-status.ts'

/** What a client step may do while it runs. */
export interface ClientStep {
  readonly digest: string
  /** Adds to the step's rows, logs or warnings: the messages must name `digest`. */
  readonly write: StatusWriter
}

/**
 * Shows `work` as a step of its own (`[internal] booting buildkit`, `importing to docker`) for as long as it runs;
 * when it fails the step shows its message and the failure is thrown on.
 */
export async function clientStep<T>(
  write: StatusWriter,
  name: string,
  work: (step: ClientStep) => Promise<T>,
  options: { readonly now: () => Timestamp; readonly id?: string },
): Promise<T> {
  const digest = `sha256:${createHash('sha256')
    .update(options.id ?? randomUUID())
    .digest('hex')}`
  const vertex: Vertex = { digest, name, started: options.now() }
  write({ vertexes: [vertex] })
  try {
    const result = await work({ digest, write })
    write({ vertexes: [{ ...vertex, completed: options.now() }] })
    return result
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    write({ vertexes: [{ ...vertex, completed: options.now(), error: message }] })
    throw error
  }
}
