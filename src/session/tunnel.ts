import { Duplex } from 'node:stream'
import { AsyncQueue } from '../async/async-queue.ts'

/** A message of the session stream, both directions: the next bytes of the connection inside. */
export interface TunnelMessage {
  readonly data: Uint8Array
}

/** A byte stream that travels inside a stream of messages. */
export interface Tunnel {
  readonly duplex: Duplex
  /** What to send; ends when the duplex ends or is destroyed. To be read by one reader. */
  readonly outgoing: AsyncIterable<TunnelMessage>
}

/** Messages that may wait to be sent; each holds what one write gathered. */
const outgoingCapacity = 16

/**
 * Makes a byte stream of two message streams. The end of `incoming` ends the duplex, its failure destroys it; destroying
 * the duplex ends `outgoing` and leaves `incoming`.
 */
export function openTunnel(incoming: AsyncIterable<TunnelMessage>): Tunnel {
  const outgoing = new AsyncQueue<TunnelMessage>({ capacity: outgoingCapacity })
  const source = incoming[Symbol.asyncIterator]()
  const send = (data: Uint8Array, done: (error?: Error) => void): void => {
    outgoing.send({ data }).then(
      // Nobody reads any more: the connection is going down, and its end tells better than a write error.
      () => done(),
      done,
    )
  }
  const duplex = new Duplex({
    allowHalfOpen: true,
    read() {
      source.next().then(
        next => this.push(next.done === true ? null : next.value.data),
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
      )
    },
    write(chunk: Uint8Array, _encoding, done) {
      send(chunk, done)
    },
    writev(chunks, done) {
      send(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done)
    },
    final(done) {
      outgoing.end()
      done()
    },
    destroy(error, done) {
      outgoing.end()
      // The source may be waiting for a message that never comes; its own call ends it.
      source.return?.().catch(() => {})
      done(error)
    },
  })
  return { duplex, outgoing }
}
