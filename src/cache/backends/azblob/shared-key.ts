import { createHmac } from 'node:crypto'
import type { HttpRequest } from '../../../registry/http/transport.ts'

/** A storage account and its key (base64). */
export interface SharedKey {
  readonly account: string
  readonly key: string
}

/**
 * The headers that sign a request with the account's key: time and `authorization`.
 * Rules: https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key
 */
export function signWithKey(
  request: Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'>,
  { account, key }: SharedKey,
  now: number,
): Readonly<Record<string, string>> {
  const date = new Date(now).toUTCString()
  const text = stringToSign(request, account, date)
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64')
  return { 'x-ms-date': date, authorization: `SharedKey ${account}:${signature}` }
}

/** The text that is signed. */
export function stringToSign(
  request: Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'>,
  account: string,
  date: string,
): string {
  const headers = new Map<string, string>([['x-ms-date', date]])
  for (const [name, value] of Object.entries(request.headers ?? {})) headers.set(name.toLowerCase(), value)
  const header = (name: string): string => headers.get(name) ?? ''
  const length = request.body?.size ?? 0
  const special = [...headers]
    .filter(([name]) => name.startsWith('x-ms-'))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value.trim()}`)
  return [
    request.method,
    header('content-encoding'),
    header('content-language'),
    length === 0 ? '' : String(length),
    header('content-md5'),
    header('content-type'),
    '', // the time stands in x-ms-date
    header('if-modified-since'),
    header('if-match'),
    header('if-none-match'),
    header('if-unmodified-since'),
    header('range'),
    ...special,
    resource(request.url, account),
  ].join('\n')
}

function resource(url: URL, account: string): string {
  const query = new Map<string, string[]>()
  for (const [name, value] of url.searchParams) {
    const key = name.toLowerCase()
    query.set(key, [...(query.get(key) ?? []), value])
  }
  const lines = [...query]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, values]) => `${name}:${values.toSorted().join(',')}`)
  return [`/${account}${url.pathname}`, ...lines].join('\n')
}
