import type { ClientRequest, IncomingMessage } from 'node:http'
import { abortError } from '../../async/abort.ts'
import type { HttpRequest, HttpResponse } from './transport.ts'
import { transportError } from './transport-error.ts'

/** An answer that Node has received the head of. */
export class NodeResponse implements HttpResponse {
  readonly status: number
  readonly statusText: string
  readonly url: URL
  readonly #asked: HttpRequest
  readonly #message: IncomingMessage
  readonly #request: ClientRequest
  readonly #idleTimeout: number

  constructor(asked: HttpRequest, message: IncomingMessage, request: ClientRequest, idleTimeout: number) {
    this.status = message.statusCode ?? 0
    this.statusText = `${this.status} ${message.statusMessage ?? ''}`.trim()
    this.url = asked.url
    this.#asked = asked
    this.#message = message
    this.#request = request
    this.#idleTimeout = idleTimeout
    // A connection that breaks while nobody reads must not end the process; the reader gets the error.
    message.on('error', () => {})
  }

  header(name: string): string | undefined {
    return this.#message.headersDistinct[name]?.[0]
  }

  headers(name: string): readonly string[] {
    return this.#message.headersDistinct[name] ?? []
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#read()
  }

  discard(): void {
    if (this.#message.complete && this.#request.writableFinished) return void this.#message.resume()
    // Short rests are cheaper to read than a new connection is to make; an unfinished request leaves no choice.
    const rest = this.#asked.method === 'HEAD' ? 0 : Number(this.header('content-length') ?? Number.NaN)
    if (!this.#request.writableFinished || !(rest <= 16_384)) return void this.#request.destroy()
    this.#message.setTimeout(this.#idleTimeout, () => this.#request.destroy())
    this.#message.resume()
  }

  /** The idle timer runs only while a byte is waited for: a slow reader is no fault of the server. */
  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    const chunks = this.#message[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
    const onIdle = (): void =>
      void this.#message.destroy(Object.assign(new Error('timeout while receiving'), { code: 'ETIMEDOUT' }))
    let ended = false
    try {
      for (;;) {
        const timer = setTimeout(onIdle, this.#idleTimeout)
        let next: IteratorResult<Uint8Array>
        try {
          next = await chunks.next()
        } finally {
          clearTimeout(timer)
        }
        if (next.done === true) break
        yield next.value
      }
      ended = true
    } catch (error) {
      const { signal, method, url } = this.#asked
      throw signal?.aborted ? abortError(signal) : transportError(method, url, error)
    } finally {
      if (!ended || !this.#request.writableFinished) this.#request.destroy()
    }
  }
}
