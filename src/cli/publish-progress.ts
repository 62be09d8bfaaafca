import { createHash } from 'node:crypto'
import { asSlipwayError } from '../errors/slipway-error.ts'
import type { PublishEvent } from '../imagetools/publish.ts'
import type { StatusWriter, Timestamp, Vertex } from '../status/solve-status.ts'

/** Shows what `imagetools create` copies: a step for each repository, a row in it for each blob. */
export function publishProgress(write: StatusWriter, now: () => Timestamp): (event: PublishEvent) => void {
  const started = new Map<string, Timestamp>()
  const copies = new Map<string, Timestamp>()
  const vertex = (name: string): Vertex => ({
    digest: `sha256:${createHash('sha256').update(`push ${name}`).digest('hex')}`,
    name: `[internal] pushing ${name}`,
    started: started.get(name),
  })
  return event => {
    const { name } = event
    if (event.kind === 'start') started.set(name, now())
    const shown = vertex(name)
    switch (event.kind) {
      case 'start':
        return write({ vertexes: [shown] })
      case 'end': {
        const { error } = event
        const why = error === undefined ? {} : { error: asSlipwayError(error).message }
        return write({ vertexes: [{ ...shown, completed: now(), ...why }] })
      }
      case 'log': {
        const data = Buffer.from(`${event.line}\n`)
        return write({ logs: [{ vertex: shown.digest, stream: 1, data, timestamp: now() }] })
      }
      case 'transfer': {
        const { digest, size } = event.event.descriptor
        const id = `${event.event.kind === 'exists' ? 'exists' : 'copying'} ${digest}`
        const key = `${name} ${digest}`
        const begun = copies.get(key) ?? now()
        copies.set(key, begun)
        const sending = event.event.kind === 'sending'
        const current = event.event.kind === 'sending' ? event.event.offset : size
        const end = sending ? {} : { completed: now() }
        const row = {
          id,
          vertex: shown.digest,
          current,
          total: size,
          timestamp: now(),
          started: begun,
          ...end,
        }
        return write({ statuses: [row] })
      }
      default:
        event satisfies never
    }
  }
}
