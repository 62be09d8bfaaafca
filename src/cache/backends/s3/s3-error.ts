import { STATUS_CODES } from 'node:http'
import { isSlipwayError, SlipwayError } from '../../../errors/slipway-error.ts'
import { faultOf } from '../service/service-error.ts'

/** A request of S3's interface. */
export interface S3Operation {
  /** `HeadObject`, `PutObject` and so on. */
  readonly name: string
  readonly method: string
  /** Tries of a request that may be repeated. */
  readonly attempts: number
}

/**
 * What S3 refused, or did not answer, in the words of the AWS library for Go: BuildKit hands them on as they are, and
 * people look for them. Other failures are answered as they came.
 */
export function s3Error(error: unknown, operation: S3Operation): unknown {
  if (!isSlipwayError(error)) return error
  const said = answered(error, operation) ?? notSent(error, operation)
  if (said === undefined) return error
  const { code, hint, details } = error
  const tries = said.isRepeated ? `exceeded maximum number of attempts, ${operation.attempts}, ` : ''
  const ids = `RequestID: ${said.requestId}, HostID: ${said.hostId}`
  const message = `operation error S3: ${operation.name}, ${tries}https response error StatusCode: ${said.status}, ${ids}, ${said.words}`
  return new SlipwayError(code, message, { cause: error, details, ...(hint === undefined ? {} : { hint }) })
}

interface Said {
  readonly status: number
  readonly requestId: string
  readonly hostId: string
  readonly words: string
  readonly isRepeated: boolean
}

function answered(error: SlipwayError, { method }: S3Operation): Said | undefined {
  const fault = faultOf(error)
  if (fault === undefined) return undefined
  const { status, requestId = '', hostId = '' } = fault
  // Answers to HEAD have no body that says more.
  const text = STATUS_CODES[status] ?? ''
  const isSilent = method === 'HEAD' || fault.code === ''
  const words = isSilent ? `${text.replaceAll(' ', '')}: ${text}` : `${fault.code}: ${fault.message}`
  return {
    status,
    requestId,
    hostId,
    words: `api error ${words}`,
    isRepeated: status >= 500 || status === 429,
  }
}

function notSent({ message }: SlipwayError, { method, name }: S3Operation): Said | undefined {
  const [, url, why] = /^failed to do request: \w+ "(.*?)": (.*)$/s.exec(message) ?? []
  if (url === undefined || why === undefined) return undefined
  const verb = method.charAt(0) + method.slice(1).toLowerCase()
  // The library names the operation in the URL where the method alone does not.
  const asked = name === 'HeadObject' ? url : `${url}${url.includes('?') ? '&' : '?'}x-id=${name}`
  const words = `request send failed, ${verb} "${asked}": ${why}`
  return { status: 0, requestId: '', hostId: '', words, isRepeated: !why.includes('no such host') }
}
