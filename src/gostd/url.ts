import { isIPv6 } from 'node:net'
import { SlipwayError } from '../errors/slipway-error.ts'
import { quote } from './quote.ts'

/** A URL in the parts that Go's `net/url` tells apart. Texts that are not there are empty. */
export interface GoUrl {
  /** In lower case. */
  readonly scheme: string
  /** What follows the scheme where no slash does: `x` of `ssh:x`. */
  readonly opaque: string
  /** Undefined: without a user. */
  readonly user: string | undefined
  /** Undefined: without a password, which is not the same as an empty one. */
  readonly password: string | undefined
  /** Host and port as they are written, IPv6 addresses in brackets. */
  readonly host: string
  /** Without port and brackets. */
  readonly hostname: string
  readonly port: string
  /** With escapes resolved. */
  readonly path: string
  /** As it is written. */
  readonly query: string
  readonly fragment: string
}

/**
 * Parses a URL as Go does: schemes that nobody knows, hosts that no resolver takes and relative paths are fine. Throws
 * `invalid-argument` in Go's words: `parse "tcp://%zz": invalid URL escape "%zz"`. Source: https://pkg.go.dev/net/url#Parse
 */
export function parseGoUrl(text: string): GoUrl {
  const failWith =
    (shown: string): Fail =>
    why => {
      throw new SlipwayError('invalid-argument', `parse ${quote(shown)}: ${why}`)
    }
  const failWhole = failWith(text)
  // oxlint-disable-next-line no-control-regex -- these are what is refused
  if (/[\u0000-\u001f\u007f]/.test(text)) failWhole('net/url: invalid control character in URL')
  const [beforeFragment, writtenFragment] = cut(text, '#')
  const fail = failWith(beforeFragment)
  const fragment = (): string => unescapeUrl(writtenFragment, failWhole)
  if (beforeFragment.startsWith(':')) fail('missing protocol scheme')
  const [, written = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(beforeFragment) ?? []
  const [rest, query] = cut(beforeFragment.slice(written === '' ? 0 : written.length + 1), '?')
  const none = { user: undefined, password: undefined, host: '', hostname: '', port: '' }
  const url = { scheme: written.toLowerCase(), opaque: '', ...none, path: '', query }
  if (!rest.startsWith('/')) {
    if (written !== '') return { ...url, opaque: rest, fragment: fragment() }
    if (rest.split('/', 1)[0]?.includes(':') === true) fail('first path segment in URL cannot contain colon')
  }
  const hasAuthority = rest.startsWith('//') && (written !== '' || !rest.startsWith('///'))
  const slash = hasAuthority ? rest.indexOf('/', 2) : 0
  const authority = !hasAuthority ? '' : slash < 0 ? rest.slice(2) : rest.slice(2, slash)
  const path = slash < 0 ? '' : rest.slice(slash)
  return {
    ...url,
    ...(hasAuthority ? splitAuthority(authority, fail) : {}),
    path: unescapeUrl(path, fail),
    fragment: fragment(),
  }
}

type Fail = (why: string) => never
type Authority = Pick<GoUrl, 'user' | 'password' | 'host' | 'hostname' | 'port'>

function splitAuthority(authority: string, fail: Fail): Authority {
  const at = authority.lastIndexOf('@')
  const place = splitHost(authority.slice(at + 1), fail)
  if (at < 0) return { user: undefined, password: undefined, ...place }
  const info = authority.slice(0, at)
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(info)) fail('net/url: invalid userinfo')
  const colon = info.indexOf(':')
  return {
    user: unescapeUrl(colon < 0 ? info : info.slice(0, colon), fail),
    password: colon < 0 ? undefined : unescapeUrl(info.slice(colon + 1), fail),
    ...place,
  }
}

function splitHost(written: string, fail: Fail): Pick<GoUrl, 'host' | 'hostname' | 'port'> {
  const open = written.lastIndexOf('[')
  if (open > 0) fail('invalid IP-literal')
  if (open === 0) {
    const close = written.lastIndexOf(']')
    if (close < 0) fail("missing ']' in host")
    const port = written.slice(close + 1)
    if (!/^(?::\d*)?$/.test(port)) fail(`invalid port ${quote(port)} after host`)
    const hostname = unescapeUrl(written.slice(1, close), fail)
    const address = hostname.replace(/%.*$/, '')
    if (!isIPv6(address)) fail(`invalid host: ParseAddr(${quote(address)}): unable to parse IP`)
    return { host: `[${hostname}]${port}`, hostname, port: port.slice(1) }
  }
  const colon = written.lastIndexOf(':')
  const port = colon < 0 ? '' : written.slice(colon)
  if (!/^(?::\d*)?$/.test(port)) fail(`invalid port ${quote(port)} after host`)
  // Names have no escapes but those of letters beyond ASCII and of the percent sign.
  const odd = /%(?!25|[89A-Fa-f][0-9A-Fa-f])|[ \\^`{|}]/.exec(written)
  if (odd?.[0] === '%') fail(`invalid URL escape ${quote(escapeAt(written, odd.index))}`)
  if (odd !== null) fail(`invalid character ${quote(odd[0])} in host name`)
  const host = unescapeUrl(written, fail)
  return {
    host,
    hostname: colon < 0 ? host : unescapeUrl(written.slice(0, colon), fail),
    port: port.slice(1),
  }
}

/** The text with `%xx` resolved; bytes that are no UTF-8 become U+FFFD. `fail` throws with Go's reason. */
export function unescapeUrl(text: string, fail: (why: string) => never): string {
  const wrong = text.search(/%(?![0-9A-Fa-f]{2})/)
  if (wrong >= 0) fail(`invalid URL escape ${quote(escapeAt(text, wrong))}`)
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, run =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  )
}

/** The three bytes that begin with a percent sign. */
function escapeAt(text: string, at: number): string {
  return Buffer.from(text.slice(at)).subarray(0, 3).toString('utf8')
}

function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
