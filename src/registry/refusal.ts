/** What a registry answered that was not hoped for. */
export interface RefusedAnswer {
  /** `unexpected status from PUT request to URL: 403 Forbidden` */
  readonly first: string
  /** The beginning of its body. */
  readonly body: string
}

/** Codes that BuildKit's registry client knows, with the message that it leaves out. */
const known: Readonly<Record<string, string>> = {
  UNKNOWN: 'unknown error',
  UNSUPPORTED: 'The operation is unsupported.',
  UNAUTHORIZED: 'authentication required',
  DENIED: 'requested access to the resource is denied',
  UNAVAILABLE: 'service unavailable',
  TOOMANYREQUESTS: 'too many requests',
}
const maxEntries = 16
const maxMessage = 1024
/** Characters of a body that is no error document. */
const maxBody = 256

interface Entry {
  readonly code: string
  readonly message: string
  readonly detail: unknown
}

/**
 * The answer as lookups and downloads tell it: the status, then what an error document says: `denied`, `unknown: no such thing`.
 * Source: github.com/containerd/containerd core/remotes/docker/errcode.go at v2.2.1.
 */
export function statusAndErrors({ first, body }: RefusedAnswer): string {
  const entries = entriesOf(body)
  return entries.length === 0 ? first : `${first}\n${joined(entries.map(words))}`
}

/**
 * The answer as a push tells it: what an error document says and nothing else, or the status with the body's beginning.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/util/errutil/error.go
 */
export function errorsOrStatus({ first, body }: RefusedAnswer): string {
  const entries = entriesOf(body)
  if (entries.length > 0) {
    return joined(
      entries.map(entry => {
        const { detail } = entry
        return typeof detail === 'string' && detail !== ''
          ? `${words(entry)} - ${detail.slice(0, maxMessage)}`
          : words(entry)
      }),
    )
  }
  if (body === '') return first
  const details = fieldOf(parse(body), 'details')
  if (typeof details === 'string' && details !== '') return `${first}: ${details.slice(0, maxMessage)}`
  const more = body.length - maxBody
  return `${first}: ${body.slice(0, maxBody)}${more > 0 ? `... (${more} bytes truncated)` : ''}`
}

/** Codes and messages of an error document, as the registry spelt them; none where the body is something else. */
export function errorEntries(body: string): readonly { readonly code: string; readonly message: string }[] {
  return entriesOf(body).map(({ code, message }) => ({ code: code || 'UNKNOWN', message }))
}

function joined(lines: readonly string[]): string {
  return lines.length === 1 ? (lines[0] ?? '') : `errors:\n${lines.map(line => `${line}\n`).join('')}`
}

function words({ code, message, detail }: Entry): string {
  const name = code in known ? code : 'UNKNOWN'
  const isPlain = detail === undefined && (message === '' || message === known[name])
  return isPlain ? name.toLowerCase() : `${name.toLowerCase()}: ${message}`
}

function entriesOf(body: string): readonly Entry[] {
  const list = fieldOf(parse(body), 'errors')
  if (!Array.isArray(list)) return []
  return list.slice(0, maxEntries).flatMap((one: unknown) => {
    if (typeof one !== 'object' || one === null) return []
    const text = (name: string): string => {
      const found = fieldOf(one, name)
      return typeof found === 'string' ? found.slice(0, maxMessage) : ''
    }
    return [{ code: text('code'), message: text('message'), detail: fieldOf(one, 'detail') ?? undefined }]
  })
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
