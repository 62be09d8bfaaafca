import { forEachBounded } from '../../../async/map-bounded.ts'
import type { HttpResponse } from '../../../registry/http/transport.ts'
import { type Content, type Part, partsOf, wholeBody } from '../service/parts.ts'
import { bytesBody, type ServiceRequest } from '../service/service-client.ts'

/** Version of the storage API that is spoken. */
export const storageVersion = '2021-12-02'

/** Content up to this size is stored by one request, larger content in blocks of it (bytes). */
const blockSize = 32 * 1024 * 1024
const maxBlocks = 50_000
const parallelBlocks = 4

/** Sends a request for a blob; the caller's function signs it. */
export type CallBlob = (request: Omit<ServiceRequest, 'authorize'>) => Promise<HttpResponse>

/**
 * Stores content as a block blob. `headers` are conditions on the blob as a whole (`if-none-match`).
 * API: https://learn.microsoft.com/en-us/rest/api/storageservices/put-blob
 */
export async function putBlockBlob(
  url: URL,
  content: Content,
  call: CallBlob,
  options: { readonly headers?: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<void> {
  const { headers = {}, signal } = options
  const put = async (
    request: Pick<ServiceRequest, 'url' | 'headers' | 'body'>,
    stop: AbortSignal,
  ): Promise<void> => (await call({ method: 'PUT', ...request, signal: stop })).discard()
  if (content.size <= blockSize) {
    const blob = { ...headers, 'x-ms-blob-type': 'BlockBlob', 'content-type': 'application/octet-stream' }
    return put({ url, headers: blob, body: wholeBody(content) }, signal)
  }
  const parts = partsOf(content, blockSize, maxBlocks)
  const putPart = async (part: Part, _index: number, stop: AbortSignal): Promise<void> =>
    put({ url: withQuery(url, { comp: 'block', blockid: blockId(part.number) }), body: part.body }, stop)
  await forEachBounded(parts, putPart, { limit: parallelBlocks, signal })
  const blocks = parts.map(part => `<Latest>${blockId(part.number)}</Latest>`).join('')
  const list = Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${blocks}</BlockList>`)
  const listUrl = withQuery(url, { comp: 'blocklist' })
  await put(
    { url: listUrl, headers: { ...headers, 'content-type': 'application/xml' }, body: bytesBody(list) },
    signal,
  )
}

const blockId = (number: number): string => Buffer.from(String(number).padStart(16, '0')).toString('base64')

/** The URL with further parameters; those that sign it stay. */
function withQuery(url: URL, query: Readonly<Record<string, string>>): URL {
  const changed = new URL(url)
  const more = Object.entries(query).map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
  changed.search = [url.search.slice(1), ...more].filter(text => text !== '').join('&')
  return changed
}
