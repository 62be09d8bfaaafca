import type { SolveStatus, StatusWriter, Timestamp, Vertex } from '../status/solve-status.ts'

/**
 * Puts the name of a bake target in front of the names of its steps: `[internal] load` becomes
 * `[app internal] load`, `exporting` becomes `[app] exporting`.
 */
export function prefixed(write: StatusWriter, prefix: string): StatusWriter {
  const rename = (name: string): string =>
    name.startsWith('[') ? `[${prefix} ${name.slice(1)}` : `[${prefix}] ${name}`
  const vertex = (v: Vertex): Vertex => ({
    ...v,
    name: rename(v.name),
    ...(v.progressGroup === undefined
      ? {}
      : { progressGroup: { ...v.progressGroup, name: rename(v.progressGroup.name) } }),
  })
  return status =>
    write(status.vertexes === undefined ? status : { ...status, vertexes: status.vertexes.map(vertex) })
}

/**
 * Moves the times of a stream so that its first start is now, for streams of machines whose clock differs and for
 * replays.
 */
export function resetTime(write: StatusWriter, now: () => Timestamp): StatusWriter {
  const opened = now()
  let shift: number | undefined
  const move = <T extends Timestamp | undefined>(time: T): T =>
    (time === undefined ? undefined : (time as number) - (shift ?? 0)) as T
  const span = <
    T extends { readonly started?: Timestamp | undefined; readonly completed?: Timestamp | undefined },
  >(
    value: T,
  ): T => ({ ...value, started: move(value.started), completed: move(value.completed) })
  return status => {
    if (shift === undefined) {
      const last = (status.vertexes ?? []).findLast(v => v.started !== undefined)
      if (last?.started !== undefined) shift = last.started - opened
    }
    if (shift === undefined) return write(status)
    write({
      vertexes: (status.vertexes ?? []).map(span),
      statuses: (status.statuses ?? []).map(s => ({ ...span(s), timestamp: move(s.timestamp) })),
      logs: (status.logs ?? []).map(l => ({ ...l, timestamp: move(l.timestamp) })),
      warnings: status.warnings ?? [],
    })
  }
}

/** Gives every message to all of `writers`. */
export function multiWriter(...writers: readonly StatusWriter[]): StatusWriter {
  return status => {
    for (const write of writers) write(status)
  }
}

/** Feeds a stream of messages into a writer until it ends. */
export async function pump(from: AsyncIterable<SolveStatus>, write: StatusWriter): Promise<void> {
  for await (const status of from) write(status)
}
