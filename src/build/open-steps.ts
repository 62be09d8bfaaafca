import type { StatusWriter, Timestamp, Vertex, VertexStatus } from '../status/solve-status.ts'

/** A stream of steps whose end may not be told by its daemon. */
export interface OpenSteps {
  readonly write: StatusWriter
  /** Ends the steps that still run, and their rows, as canceled. Steps that have ended are left as they are. */
  cancel(): void
}

/**
 * Passes a stream on and remembers what has begun and not ended: a daemon that goes away in the middle tells no end of
 * its steps. `now` is this machine's time; the ends are counted from the starts, since the daemon's clock may differ.
 */
export function openSteps(write: StatusWriter, now: () => Timestamp): OpenSteps {
  const vertexes = new Map<string, Open<Vertex>>()
  const rows = new Map<string, Open<VertexStatus>>()
  return {
    write(status) {
      for (const vertex of status.vertexes ?? []) note(vertexes, vertex.digest, vertex, now)
      for (const row of status.statuses ?? []) note(rows, `${row.vertex} ${row.id}`, row, now)
      write(status)
    },
    cancel() {
      const ended = [...vertexes.values()].map(open => open.step)
      const digests = new Set(ended.map(vertex => vertex.digest))
      if (digests.size === 0) return
      const late = <T extends Vertex | VertexStatus>({ step, since }: Open<T>): T => ({
        ...step,
        completed: (step.started ?? 0) + Math.max(0, now() - since),
      })
      write({
        vertexes: [...vertexes.values()].map(open => ({ ...late(open), error: 'context canceled' })),
        statuses: [...rows.values()].filter(({ step }) => digests.has(step.vertex)).map(late),
      })
      vertexes.clear()
      rows.clear()
    },
  }
}

/** Something that runs, and when it was first seen to. */
interface Open<T> {
  readonly step: T
  readonly since: Timestamp
}

type Span = Pick<Vertex, 'started' | 'completed'>

function note<T extends Span>(open: Map<string, Open<T>>, key: string, step: T, now: () => Timestamp): void {
  if (step.started === undefined) return
  if (step.completed !== undefined) open.delete(key)
  else open.set(key, { step, since: open.get(key)?.since ?? now() })
}
