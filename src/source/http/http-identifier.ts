import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { type Digest, parseDigest } from '../../oci/digest.ts'

/** A header that the user wants to be sent. */
export interface HeaderField {
  readonly name: string
  readonly value: string
}

/** A file at an http or https URL. */
export interface HttpIdentifier {
  readonly url: URL
  readonly checksum?: Digest
  /** Name of the file in the tree; undefined: as the server or the URL says. */
  readonly filename?: string
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Secret that holds the value of the Authorization header. */
  readonly authHeaderSecret?: string
  readonly headers: readonly HeaderField[]
  /** A detached OpenPGP signature of the file, and the keys one of which must have made it; both armored. */
  readonly signature?: { readonly text: string; readonly publicKey: string }
}

type Attributes = Readonly<Record<string, string>>

/** Headers that a definition may set: those that say what is wanted, none that say who asks. */
const allowedHeaders: ReadonlySet<string> = new Set(['accept', 'user-agent'])

/** What Go's url.Parse would say of the host. */
function whyNot(rest: string): string {
  const [host = ''] = rest.split(/[/?#]/, 1)
  if (host.includes('[') && !host.includes(']')) return "missing ']' in host"
  const port = /:[^:\]]*$/.exec(host)?.[0]
  if (port !== undefined && !/^:\d*$/.test(port)) return `invalid port ${quote(port)} after host`
  const odd = /[ "<>\\^`{|}]/.exec(host)?.[0]
  return odd === undefined ? 'invalid URL' : `invalid character ${quote(odd)} in host name`
}

/** Reads `https://…` with its attributes. Throws `invalid-argument`. */
export function parseHttpIdentifier(scheme: string, rest: string, attrs: Attributes): HttpIdentifier {
  if (/^(?:[/?#]|$)/.test(rest)) {
    const shown = rest === '' ? `${scheme}:` : `${scheme}://${rest}`
    throw new SlipwayError('invalid-argument', `Get ${quote(shown)}: http: no Host in request URL`)
  }
  let url: URL
  try {
    url = new URL(`${scheme}://${rest}`)
  } catch (e) {
    const text = `${scheme}://${rest}`
    throw new SlipwayError('invalid-argument', `parse ${quote(text)}: ${whyNot(rest)}`, { cause: e })
  }
  const { 'http.sig.signature': signature = '', 'http.sig.pubkey': publicKey = '' } = attrs
  if ((signature === '') !== (publicKey === '')) {
    const what = 'http signature verification requires both pubkey and signature'
    throw new SlipwayError('invalid-argument', what)
  }
  const checksum = attrs['http.checksum']
  const filename = attrs['http.filename']
  const secret = attrs['http.authheadersecret']
  const headers = Object.entries(attrs).flatMap(([key, value]): HeaderField[] => {
    if (!key.startsWith('http.header.')) return []
    const name = key.slice('http.header.'.length)
    if (!allowedHeaders.has(name.toLowerCase()))
      throw new SlipwayError('invalid-argument', `invalid header attribute ${key}`)
    return [{ name, value }]
  })
  return {
    url,
    mode: readNumber(attrs, 'http.perm', 0) & 0o7777,
    uid: readNumber(attrs, 'http.uid', 10),
    gid: readNumber(attrs, 'http.gid', 10),
    headers: headers.sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(checksum === undefined ? {} : { checksum: parseDigest(checksum) }),
    ...(filename === undefined || filename === '' ? {} : { filename }),
    ...(secret === undefined ? {} : { authHeaderSecret: secret }),
    ...(signature === '' ? {} : { signature: { text: signature, publicKey } }),
  }
}

/** A number as Go's ParseInt reads it with base 0 (`0644` and `0o644` are octal) or 10. */
export function readNumber(attrs: Attributes, key: string, base: 0 | 10): number {
  const text = attrs[key]
  if (text === undefined) return 0
  if (base === 0 && /^0[0-7]+$/.test(text)) return Number.parseInt(text, 8)
  const value = /^(0x[0-9a-f]+|0o[0-7]+|\d+)$/i.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new SlipwayError('invalid-argument', `invalid ${key} ${text}`)
  return value
}

/** Name of the file: what was asked for, else what the server says, else the end of the URL, else `download`. */
export function fileNameOf(identifier: HttpIdentifier, contentDisposition: string | undefined): string {
  if (identifier.filename !== undefined) return safeName(identifier.filename)
  const given = contentDisposition === undefined ? undefined : dispositionName(contentDisposition)
  if (given !== undefined && given !== '' && !given.endsWith('/'))
    return safeName(given.split('/').at(-1) ?? '')
  return safeName(decodePath(identifier.url.pathname.replace(/\/+$/, '').split('/').at(-1) ?? ''))
}

/** A name that is only a name. */
export function safeName(name: string): string {
  const base = name.replace(/\/+$/, '').split('/').at(-1) ?? ''
  return base === '' || base === '.' || base === '..' || base.includes('\0') ? 'download' : base
}

function decodePath(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function dispositionName(header: string): string | undefined {
  const extended = /;\s*filename\*=(?:utf-8|us-ascii)'[^']*'([^;]+)/i.exec(header)
  if (extended?.[1] !== undefined) return decodePath(extended[1].trim())
  const quoted = /;\s*filename="((?:[^"\\]|\\.)*)"/i.exec(header)
  if (quoted?.[1] !== undefined) return quoted[1].replace(/\\(.)/g, '$1')
  return /;\s*filename=([^;\s]+)/i.exec(header)?.[1]
}
