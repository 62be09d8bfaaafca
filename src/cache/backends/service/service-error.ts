import { collectText } from '../../../bytes/collect.ts'
import type { ErrorCode } from '../../../errors/codes.ts'
import { isSlipwayError, SlipwayError } from '../../../errors/slipway-error.ts'
import { redactUrl } from '../../../registry/http/redact-url.ts'
import type { HttpResponse } from '../../../registry/http/transport.ts'
import { registryErrorType } from '../../../registry/registry-error.ts'
import { xmlText } from './xml-text.ts'

/** Most of an error's body that is read (bytes). */
const maxBody = 32 * 1024
const maxText = 1024

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid-argument',
  401: 'unauthenticated',
  403: 'permission-denied',
  404: 'not-found',
  408: 'deadline-exceeded',
  409: 'already-exists',
  412: 'failed-precondition',
  416: 'out-of-range',
  429: 'resource-exhausted',
}

/** What a service says about a request that it did not answer as hoped. */
export interface ServiceFault {
  readonly status: number
  /** The service's own word: `NoSuchKey`, `BlobAlreadyExists`, `already_exists`; may be empty. */
  readonly code: string
  readonly message: string
  /** The wait that the service asks for, milliseconds. */
  readonly retryAfterMs?: number
  /** What the service, and the host that answered, call the request (S3). */
  readonly requestId?: string
  readonly hostId?: string
}

/**
 * The error for such an answer: `PUT URL: 403 Forbidden: AccessDenied: …`. Reads at most 32 KiB of the body, which may
 * be XML or JSON; signatures in URLs are not shown.
 */
export async function serviceError(
  method: string,
  response: HttpResponse,
  now: () => number,
): Promise<SlipwayError> {
  const { code, message } = await readFault(method, response)
  const url = redactUrl(response.url)
  const said = [`${method} ${url}: ${response.statusText}`, code, message].filter(text => text !== '')
  const kind = byStatus[response.status] ?? (response.status >= 500 ? 'unavailable' : 'unknown')
  const retryAfterMs = retryAfter(response.header('retry-after'), now)
  const detail = {
    type: registryErrorType,
    status: response.status,
    method,
    url,
    errors: [{ code, message }],
    requestId: response.header('x-amz-request-id'),
    hostId: response.header('x-amz-id-2'),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
  return new SlipwayError(kind, said.join(': '), { details: [detail] })
}

/** What the service said, of an error that `serviceError` made; undefined for others. */
export function faultOf(error: unknown): ServiceFault | undefined {
  if (!isSlipwayError(error)) return undefined
  const detail = error.details.find(one => one.type === registryErrorType)
  if (detail === undefined) return undefined
  const [first] = detail['errors'] as readonly Partial<Pick<ServiceFault, 'code' | 'message'>>[]
  const wait = detail['retryAfterMs']
  return {
    status: detail['status'] as number,
    code: first?.code ?? '',
    message: first?.message ?? '',
    ...(typeof wait === 'number' ? { retryAfterMs: wait } : {}),
    ...(typeof detail['requestId'] === 'string' ? { requestId: detail['requestId'] } : {}),
    ...(typeof detail['hostId'] === 'string' ? { hostId: detail['hostId'] } : {}),
  }
}

async function readFault(method: string, response: HttpResponse): Promise<{ code: string; message: string }> {
  // Answers to HEAD have no body; Azure puts the code into a header.
  const header = response.header('x-ms-error-code') ?? ''
  if (method === 'HEAD') {
    response.discard()
    return { code: header, message: '' }
  }
  let text: string
  try {
    text = await collectText(response.body, { limit: maxBody })
  } catch (error) {
    if (isSlipwayError(error) && error.code === 'canceled') throw error
    response.discard()
    return { code: header, message: '' }
  }
  const plain = text.replace(/^\uFEFF/, '').trim()
  if (plain.startsWith('{')) return jsonFault(plain, header)
  const code = xmlText(plain, 'Code') ?? header
  return { code, message: (xmlText(plain, 'Message') ?? '').split('\n')[0]?.slice(0, maxText) ?? '' }
}

function jsonFault(text: string, header: string): { code: string; message: string } {
  try {
    const object = JSON.parse(text) as Readonly<Record<string, unknown>>
    const first = (...names: readonly string[]): string => {
      const found = names.map(name => object[name]).find(one => typeof one === 'string' && one !== '')
      return typeof found === 'string' ? found.slice(0, maxText) : ''
    }
    return {
      code: first('code', 'typeKey', 'error') || header,
      message: first('message', 'msg', 'error_description'),
    }
  } catch {
    return { code: header, message: '' }
  }
}

/** Seconds or a date, as a wait in milliseconds. */
function retryAfter(text: string | undefined, now: () => number): number | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const seconds = Number(text)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now())
}
