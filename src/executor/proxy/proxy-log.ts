/** A file that a container fetched. */
export interface FetchedFile {
  readonly url: string
  /** Hexadecimal SHA-256 of what came. */
  readonly sha256: string
}

/** A request that brought something which is not known afterwards, or could have. */
export interface UnknownFetch {
  readonly method: string
  readonly url: string
  /** For programs: `method_not_materializable`, `partial_response`, `unsuccessful_response`, `body_read_failed`, `upstream_error`. */
  readonly reason: string
}

interface Request {
  readonly method: string
  readonly url: string
  readonly status: number
  /** Where it leads on to. */
  readonly location: string | undefined
}

/** What the processes of one container asked for. URLs have no credentials and no usual port. */
export class ProxyLog {
  readonly #requests: Request[] = []
  readonly #fetched: FetchedFile[] = []
  readonly #unknown: UnknownFetch[] = []

  addRequest(method: string, url: string, status: number, location?: string): void {
    const target = location === undefined ? undefined : plainUrl(location)
    this.#requests.push({ method, url: plainUrl(url), status, location: target })
  }

  addFetched(url: string, sha256: string): void {
    this.#fetched.push({ url: plainUrl(url), sha256 })
  }

  addUnknown(method: string, url: string, reason: string): void {
    this.#unknown.push({ method, url: plainUrl(url), reason })
  }

  get unknown(): readonly UnknownFetch[] {
    return this.#unknown
  }

  /** Files by all URLs that led to them: those that were redirected, too. */
  get fetched(): readonly FetchedFile[] {
    const digests = new Map(this.#fetched.map(({ url, sha256 }) => [url, sha256]))
    const redirects = this.#requests.filter(({ url, location }) => location !== undefined && location !== url)
    const added: FetchedFile[] = []
    // A chain of redirects was asked for in its order: from its end, every link knows what the next one led to.
    for (const { url, location = '' } of redirects.toReversed()) {
      const sha256 = digests.get(location)
      if (sha256 === undefined || digests.has(url)) continue
      digests.set(url, sha256)
      added.push({ url, sha256 })
    }
    return [...this.#fetched, ...added]
  }

  /** All requests, for people to read; empty where there were none. */
  get text(): string {
    if (this.#requests.length === 0) return ''
    const lines = this.#requests.map(({ method, url, status }) => `- ${method} ${url} -> ${status}\n`)
    return `proxy network requests:\n${lines.join('')}`
  }
}

/** A URL as it is shown: without the port that it would have anyway, and without user and password. */
export function plainUrl(url: string): string {
  const match = /^(https?):\/\/(?:[^/?#]*@)?([^/?#]*)(.*)$/s.exec(url)
  if (match === null) return url
  const [, scheme = '', authority = '', rest = ''] = match
  const usual = scheme === 'http' ? /:80$/ : /:443$/
  const credentials = /^[^/?#]*@/.exec(url.slice(scheme.length + 3))?.[0]
  const hidden = credentials === undefined ? '' : `xxxxx${credentials.includes(':') ? ':xxxxx' : ''}@`
  return `${scheme}://${hidden}${authority.replace(usual, '')}${rest}`
}
