import type { ErrorCode } from '../errors/codes.ts'
import { isSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { HttpResponse } from './http/transport.ts'
import { redactUrl } from './http/redact-url.ts'
import { isPassing, type TransportFailure, transportErrorType } from './http/transport-error.ts'
import { errorEntries, errorsOrStatus, statusAndErrors } from './refusal.ts'

/** `type` of the detail of errors made from an HTTP answer. */
export const registryErrorType = 'slipway.registry.Error'

/** One entry of a registry's error document: `MANIFEST_UNKNOWN` and its message. */
export interface RegistryErrorEntry {
  readonly code: string
  readonly message: string
}

/** The detail of errors made from an HTTP answer. */
export interface RegistryErrorDetail {
  readonly type: typeof registryErrorType
  readonly status: number
  readonly method: string
  /** Without credentials and signatures. */
  readonly url: string
  readonly errors: readonly RegistryErrorEntry[]
  /** What a push that ends with this tells of it. */
  readonly refusal: string
  /** Seconds that the registry wants to be left alone; 0 where it does not say. */
  readonly retryAfter: number
}

/** Most bytes of an error's body that are read. */
const maxErrorBody = 64_000

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid-argument',
  401: 'unauthenticated',
  403: 'permission-denied',
  404: 'not-found',
  405: 'unimplemented',
  408: 'deadline-exceeded',
  409: 'aborted',
  413: 'resource-exhausted',
  416: 'out-of-range',
  429: 'resource-exhausted',
  501: 'unimplemented',
}

/**
 * The error for an answer that was not hoped for: `unexpected status from PUT request to URL: 400 Bad Request`, then
 * what the registry says itself. Reads at most 64000 bytes of the body. The code comes from the status.
 */
export async function statusError(method: string, response: HttpResponse): Promise<SlipwayError> {
  const body = await readStart(response)
  const url = redactUrl(response.url)
  const answer = { first: `unexpected status from ${method} request to ${url}: ${response.statusText}`, body }
  const detail: RegistryErrorDetail = {
    type: registryErrorType,
    status: response.status,
    method,
    url,
    errors: errorEntries(body),
    refusal: errorsOrStatus(answer),
    retryAfter: secondsToWait(response),
  }
  const code = byStatus[response.status] ?? (response.status >= 500 ? 'unavailable' : 'unknown')
  const hint = hintFor(response)
  return new SlipwayError(code, statusAndErrors(answer), {
    details: [{ ...detail }],
    ...(hint === undefined ? {} : { hint }),
  })
}

function hintFor(response: HttpResponse): string | undefined {
  if (response.status === 401) return `log in with \`docker login ${response.url.host}\``
  const wait = response.status === 429 ? secondsToWait(response) : 0
  return wait > 0 ? `the registry wants to be left alone for ${wait} seconds` : undefined
}

function secondsToWait(response: HttpResponse): number {
  const seconds = Number(response.header('retry-after'))
  return seconds > 0 ? seconds : 0
}

/** A body that is cut short or has no end gives what came of it. */
async function readStart(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk)
      size += chunk.length
      if (size >= maxErrorBody) break
    }
  } catch (error) {
    // An abort is not for us to swallow.
    if (isSlipwayError(error) && error.code === 'canceled') throw error
  }
  response.discard()
  return Buffer.concat(chunks).subarray(0, maxErrorBody).toString('utf8')
}

/** The detail of an error made by `statusError`, or by something that wraps it. */
export function registryErrorDetail(error: unknown): RegistryErrorDetail | undefined {
  if (!isSlipwayError(error)) return undefined
  const detail = error.details.find(d => d.type === registryErrorType)
  return detail as RegistryErrorDetail | undefined
}

/**
 * Whether the same request may well succeed soon: answers 5xx, 408 and 429, and connections that broke or hung; not
 * where the registry says itself that it takes longer than half a minute.
 * Source: github.com/moby/buildkit util/resolver/retryhandler/retry.go at v0.32.2.
 */
export function isRetryable(error: unknown): boolean {
  if (!isSlipwayError(error) || error.code === 'canceled') return false
  const { status, retryAfter = 0 } = registryErrorDetail(error) ?? {}
  if (retryAfter > 30) return false
  if (status !== undefined) return status === 408 || status === 429 || (status >= 500 && status !== 501)
  const transport = error.details.find(d => d.type === transportErrorType)
  return transport !== undefined && isPassing(transport['kind'] as TransportFailure)
}
