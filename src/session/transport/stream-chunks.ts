import type { ClientHttp2Stream } from 'node:http2'

/**
 * Makes a stream's own iterator read what has come even where the stream is over already. Node's takes the `closed` of
 * HTTP/2 (both halves have ended) for the end of the readable side and gives up with "Premature close", data unread:
 * over streams of this process a short answer is there before anybody can begin to read it.
 */
export function withSafeIterator(stream: ClientHttp2Stream): ClientHttp2Stream {
  Object.defineProperty(stream, Symbol.asyncIterator, { value: () => chunksOf(stream) })
  return stream
}

interface Progress {
  ended: boolean
  closed: boolean
  failure: { readonly error: unknown } | undefined
  changed: PromiseWithResolvers<void>
}

/** Listens from now on, not only from the first read: nothing that happens between may be missed. */
function chunksOf(stream: ClientHttp2Stream): AsyncGenerator<Buffer, void, undefined> {
  const state: Progress = {
    ended: stream.readableEnded,
    closed: stream.destroyed,
    failure: undefined,
    changed: Promise.withResolvers(),
  }
  const changed = (change: Partial<Progress>): void => {
    Object.assign(state, change)
    state.changed.resolve()
  }
  stream.on('readable', () => changed({}))
  stream.once('end', () => changed({ ended: true }))
  stream.once('close', () => changed({ closed: true }))
  stream.once('error', (error: unknown) => changed({ failure: { error } }))
  return readAll(stream, state)
}

async function* readAll(stream: ClientHttp2Stream, state: Progress): AsyncGenerator<Buffer, void, undefined> {
  try {
    for (;;) {
      const chunk = stream.read() as Buffer | null
      if (chunk !== null) {
        yield chunk
        continue
      }
      if (state.failure !== undefined) throw state.failure.error
      if (state.ended) return
      if (state.closed) throw new Error('Premature close')
      await state.changed.promise
      state.changed = Promise.withResolvers()
    }
  } finally {
    if (!state.ended) stream.destroy()
  }
}
