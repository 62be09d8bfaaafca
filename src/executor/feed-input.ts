import { once } from 'node:events'
import type { Writable } from 'node:stream'

/** Writes input to a process until either ends. A process that ends without reading all of it is no failure. */
export async function feedInput(input: AsyncIterable<Uint8Array>, target: Writable): Promise<void> {
  let closed = false
  target.on('error', () => {})
  target.once('close', () => {
    closed = true
  })
  const iterator = input[Symbol.asyncIterator]()
  const gone = once(target, 'close').then(() => undefined)
  gone.catch(() => {})
  try {
    while (!closed) {
      const next = await Promise.race([iterator.next(), gone])
      if (next === undefined || next.done) break
      if (!target.write(next.value)) await Promise.race([once(target, 'drain').catch(() => {}), gone])
    }
  } finally {
    if (!closed) target.end()
    // The source may wait for its user for ever; it is told, not waited for.
    iterator.return?.()?.catch(() => {})
  }
}
