import { collect } from '../../bytes/collect.ts'
import { retry } from '../../async/retry.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import type { HttpRequest, HttpResponse, Transport } from '../../registry/http/transport.ts'

/** What caches in clouds need of their surroundings. */
export interface CloudServices {
  readonly transport: Transport
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Makes a request anew for each try, as signatures and sources are good for one. */
export type MakeRequest = () => HttpRequest | Promise<HttpRequest>

const passing = new Set([429, 500, 502, 503, 504])

/** Sends a request; broken connections and overloaded servers are tried again. Any other status is an answer. */
export async function sendCloud(
  services: CloudServices,
  make: MakeRequest,
  options: { readonly attempts?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<HttpResponse> {
  const { attempts = 3, signal } = options
  return retry(
    async attempt => {
      const response = await services.transport.send(await make())
      if (!passing.has(response.status) || attempt >= attempts) return response
      response.discard()
      throw new SlipwayError('unavailable', `server answered ${response.statusText}`)
    },
    {
      attempts,
      signal,
      retryable: e => ['unavailable', 'deadline-exceeded'].includes(asSlipwayError(e).code),
    },
  )
}

/** A small answer as a whole. Throws `resource-exhausted` above 64 MiB. */
export function answerBytes(response: HttpResponse): Promise<Uint8Array> {
  return collect(response.body, { limit: 64 * 1024 * 1024, what: 'answer of the cache service' })
}

/** The failure that an answer stands for. */
export async function answerError(response: HttpResponse, what: string): Promise<SlipwayError> {
  const text = Buffer.from(await answerBytes(response))
    .toString()
    .slice(0, 500)
  const { status } = response
  const code =
    status === 404
      ? 'not-found'
      : status === 401
        ? 'unauthenticated'
        : status === 403
          ? 'permission-denied'
          : status === 409 || status === 412
            ? 'already-exists'
            : status >= 500 || status === 429
              ? 'unavailable'
              : 'failed-precondition'
  return new SlipwayError(code, `${what}: ${response.statusText}${text === '' ? '' : `: ${text}`}`)
}
