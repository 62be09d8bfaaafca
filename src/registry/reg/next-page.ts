import type { HostClient } from '../host-client.ts'
import type { HttpResponse } from '../http/transport.ts'

/** The URL of the next page of a listing (`Link: <…>; rel="next"`), on the same server only. Source: RFC 8288. */
export function nextPage(response: HttpResponse, host: HostClient): URL | undefined {
  for (const link of response.headers('link')) {
    const found = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(link)
    const url = found === null ? null : URL.parse(found[1] as string, response.url.href)
    if (url !== null && host.isOwn(url) && url.href !== response.url.href) return url
  }
  return undefined
}
