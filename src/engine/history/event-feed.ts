import { SlipwayError } from '../../errors/slipway-error.ts'

/** What a listener holds: the events since it subscribed, until it is disposed. */
export interface Subscription<Event> extends Disposable {
  /** Waits for events for ever; throws `canceled` when the signal aborts. */
  read(signal: AbortSignal): AsyncIterable<Event>
}

/** Events for whoever listens at the moment; each listener gets all of them, slow ones later. */
export class EventFeed<Event> {
  readonly #queues = new Set<{ readonly events: Event[]; wake: () => void }>()

  send(event: Event): void {
    for (const queue of this.#queues) {
      queue.events.push(event)
      queue.wake()
    }
  }

  subscribe(): Subscription<Event> {
    const queue = { events: [] as Event[], wake: (): void => undefined }
    const queues = this.#queues
    queues.add(queue)
    return {
      async *read(signal) {
        for (;;) {
          yield* queue.events.splice(0)
          if (queue.events.length > 0) continue
          await woken(queue, signal)
        }
      },
      [Symbol.dispose]: () => void queues.delete(queue),
    }
  }
}

async function woken(queue: { wake: () => void }, signal: AbortSignal): Promise<void> {
  const next = Promise.withResolvers<void>()
  const abort = (): void => next.reject(new SlipwayError('canceled', 'context canceled'))
  queue.wake = next.resolve
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    await next.promise
  } finally {
    signal.removeEventListener('abort', abort)
    queue.wake = () => undefined
  }
}
