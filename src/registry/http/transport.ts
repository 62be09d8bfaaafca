import type { TlsSettings } from '../registry-host.ts'

/** Content to send; `open` may be called again when the request must be repeated. */
export interface RequestBody {
  /** Bytes. */
  readonly size: number
  readonly open: () => AsyncIterable<Uint8Array>
}

/** One HTTP request. Redirects are not followed here. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: RequestBody | undefined
  readonly tls?: TlsSettings | undefined
  readonly signal?: AbortSignal | undefined
}

/** The answer. Its body must be read to the end, or `discard` called. */
export interface HttpResponse {
  readonly status: number
  /** `404 Not Found` */
  readonly statusText: string
  /** The URL that was asked. */
  readonly url: URL
  /** A header by its lower-case name; the first where there are several. */
  header(name: string): string | undefined
  /** All values of a header by its lower-case name. */
  headers(name: string): readonly string[]
  readonly body: AsyncIterable<Uint8Array>
  /** Gives the connection up or back without reading what is left. Idempotent. */
  discard(): void
}

/**
 * Sends requests. Failures to get an answer throw a `SlipwayError` (`unavailable`, `deadline-exceeded`, `canceled`)
 * whose cause is the system's error. Disposing closes idle connections.
 */
export interface Transport extends Disposable {
  send(request: HttpRequest): Promise<HttpResponse>
}
