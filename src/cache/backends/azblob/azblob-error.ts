import { isSlipwayError, SlipwayError } from '../../../errors/slipway-error.ts'
import { faultOf } from '../service/service-error.ts'

/**
 * What Azure refused, or did not answer, as its library for Go tells it, which BuildKit hands on: connections that fail with
 * the whole URL, answers with the URL without its query. Other failures are answered as they came.
 */
export function azblobError(error: unknown, url: URL): unknown {
  if (!isSlipwayError(error)) return error
  const { code, hint, details } = error
  const message = faultOf(error) === undefined ? notSent(error.message, url) : answered(error.message, url)
  if (message === undefined) return error
  return new SlipwayError(code, message, { cause: error, details, ...(hint === undefined ? {} : { hint }) })
}

/** No secret stands in these URLs: requests are signed in their headers. */
function notSent(message: string, url: URL): string | undefined {
  const [, method, why] = /^failed to do request: (\w+) ".*?": (.*)$/s.exec(message) ?? []
  return method === undefined ? undefined : `${method} "${url.href}": ${why}`
}

function answered(message: string, url: URL): string | undefined {
  const [, method, said] = /^([A-Z]+) \S+: (.*)$/s.exec(message) ?? []
  return method === undefined ? undefined : `${method} ${url.origin}${url.pathname}: ${said}`
}
