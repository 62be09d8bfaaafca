import { sleep } from '../../../async/abort.ts'
import { retry } from '../../../async/retry.ts'
import { isSlipwayError, SlipwayError } from '../../../errors/slipway-error.ts'
import { transportErrorType } from '../../../registry/http/transport-error.ts'
import type { HttpRequest, HttpResponse } from '../../../registry/http/transport.ts'
import { isRetryable } from '../../../registry/registry-error.ts'
import type { CloudAccess } from './cloud-access.ts'
import { faultOf, serviceError } from './service-error.ts'

/** A request and the answers that are hoped for. */
export interface ServiceRequest extends HttpRequest {
  /** Statuses that are no failure. @default all of 2xx */
  readonly expect?: readonly number[]
  /** Headers that prove who asks; called anew for each try. */
  readonly authorize?: (request: HttpRequest) => Readonly<Record<string, string>>
}

/** How a service is talked to. */
export interface ServiceClientOptions {
  /** Tries of one request in all. @default 3 */
  readonly attempts?: number
  /** Longest time in which a request is repeated because the service says that there are too many (ms). @default 0 */
  readonly patienceMs?: number
  /** After an answer of that kind all requests wait, not only the one. */
  readonly shareWaits?: boolean
  /** Where a connection is refused: what to look at. */
  readonly hint?: string
}

const longestWait = 90_000

/** Sends requests to one service: repeated where the failure may pass, and with the service's errors as ours. */
export class ServiceClient {
  readonly #access: CloudAccess
  readonly #options: ServiceClientOptions
  /** Until when nothing is to be sent (milliseconds since 1970). */
  #closedUntil = 0

  constructor(access: CloudAccess, options: ServiceClientOptions = {}) {
    this.#access = access
    this.#options = options
  }

  /** The answer, whose body must be read or discarded. Throws what `serviceError` makes of other statuses. */
  async call(request: ServiceRequest): Promise<HttpResponse> {
    const { attempts = 3, patienceMs = 0 } = this.#options
    const { now } = this.#access
    const end = now() + patienceMs
    const mayRetry = (error: unknown, attempt: number): boolean => {
      const fault = faultOf(error)
      if (fault?.status === 429 && patienceMs > 0) return now() + (fault.retryAfterMs ?? 0) < end
      return attempt < attempts && isRetryable(error)
    }
    return await retry(() => this.#once(request), {
      attempts: Number.POSITIVE_INFINITY,
      delay: 500,
      maxDelay: longestWait,
      jitter: Math.random,
      retryable: mayRetry,
      delayFor: error => this.#delay(error),
      signal: request.signal,
      sleep: this.#access.sleep ?? sleep,
    })
  }

  #delay(error: unknown): number | undefined {
    const fault = faultOf(error)
    const asked = fault?.retryAfterMs === undefined ? undefined : Math.min(fault.retryAfterMs, longestWait)
    const isThrottled = fault !== undefined && (fault.status === 429 || fault.status === 503)
    if (this.#options.shareWaits && isThrottled)
      this.#closedUntil = Math.max(this.#closedUntil, this.#access.now() + (asked ?? 1000))
    return asked
  }

  async #once(request: ServiceRequest): Promise<HttpResponse> {
    const { transport, now } = this.#access
    const wait = this.#closedUntil - now()
    if (wait > 0) await (this.#access.sleep ?? sleep)(wait, request.signal)
    const { expect, authorize, ...plain } = request
    const sent: HttpRequest = { ...plain, headers: { 'user-agent': 'slipway', ...plain.headers } }
    const proof = authorize?.(sent) ?? {}
    let response: HttpResponse
    try {
      response = await transport.send({ ...sent, headers: { ...sent.headers, ...proof } })
    } catch (error) {
      throw this.#withHint(error)
    }
    const { status } = response
    if (expect === undefined ? status >= 200 && status < 300 : expect.includes(status)) return response
    throw await serviceError(request.method, response, now)
  }

  #withHint(error: unknown): unknown {
    const { hint } = this.#options
    if (hint === undefined || !isSlipwayError(error)) return error
    if (!error.details.some(one => one.type === transportErrorType)) return error
    return new SlipwayError(error.code, error.message, { cause: error, details: error.details, hint })
  }
}

/** A body of a few bytes. */
export function bytesBody(bytes: Uint8Array): NonNullable<HttpRequest['body']> {
  return {
    size: bytes.byteLength,
    open: async function* () {
      yield bytes
    },
  }
}
