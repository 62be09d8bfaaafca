import type { ErrorCode } from './codes.ts'
import { goSystemError } from './go-system-error.ts'
import { redact } from './redact.ts'
import type { SourceRange } from './source-range.ts'

const brand = Symbol.for('slipway.error')

/** One typed fact about a failure; `type` is the protobuf message name of BuildKit's errdefs, or our own. */
export type ErrorDetail = { readonly type: string } & Readonly<Record<string, unknown>>

/** What a `SlipwayError` may carry besides its message. */
export interface ErrorOptions {
  /** What the user can do next, one sentence, shown on a line of its own. */
  readonly hint?: string
  readonly cause?: unknown
  /** Where in a user's file the failure lies; the excerpt is printed once, at the command line. */
  readonly sources?: readonly SourceRange[]
  readonly details?: readonly ErrorDetail[]
  /** Exit status of a process that failed, passed through where the command line promises it. */
  readonly exitCode?: number
}

/**
 * The one error of the code base: a code from the closed table, a message in the words a user would compare, and facts.
 * Credentials in URLs, headers and tokens are redacted by the constructor.
 */
export class SlipwayError extends Error {
  readonly [brand] = true
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly sources: readonly SourceRange[]
  readonly details: readonly ErrorDetail[]
  readonly exitCode: number | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(redact(message), options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SlipwayError'
    this.code = code
    this.hint = options.hint === undefined ? undefined : redact(options.hint)
    this.sources = options.sources ?? []
    this.details = options.details ?? []
    this.exitCode = options.exitCode
  }
}

/** Tells whether `e` is a `SlipwayError`, also one made by another copy of this module. */
export function isSlipwayError(e: unknown): e is SlipwayError {
  return typeof e === 'object' && e !== null && brand in e
}

/** The same failure with words in front (`context: message`); code, hint, sources and details are kept. */
export function wrapError(context: string, e: unknown, extra: ErrorOptions = {}): SlipwayError {
  const inner = asSlipwayError(e)
  const hint = extra.hint ?? inner.hint
  const exitCode = extra.exitCode ?? inner.exitCode
  return new SlipwayError(inner.code, `${context}: ${inner.message}`, {
    cause: e,
    sources: extra.sources ?? inner.sources,
    details: [...inner.details, ...(extra.details ?? [])],
    ...(hint === undefined ? {} : { hint }),
    ...(exitCode === undefined ? {} : { exitCode }),
  })
}

/** Any thrown value as a `SlipwayError`: aborts become `canceled`, errno codes are mapped, the rest is `unknown`. */
export function asSlipwayError(e: unknown): SlipwayError {
  if (isSlipwayError(e)) return e
  // A resource could not be closed after a failure: the failure is what counts.
  if (e instanceof SuppressedError) return asSlipwayError(e.suppressed)
  if (!(e instanceof Error)) return new SlipwayError('unknown', String(e), { cause: e })
  const errno = 'code' in e ? e.code : undefined
  if (e.name === 'AbortError' || errno === 'ABORT_ERR') {
    return isSlipwayError(e.cause) ? e.cause : new SlipwayError('canceled', 'context canceled', { cause: e })
  }
  // Node's own words would tell where on this machine the path was looked for.
  if (errno === 'ERR_INVALID_ARG_VALUE' && e.message.includes('without null bytes'))
    return new SlipwayError('invalid-argument', 'invalid argument: a path with a NUL byte', { cause: e })
  if (isDamagedDatabase(e)) {
    return new SlipwayError('data-loss', `the state directory is damaged: ${e.message}`, {
      cause: e,
      hint: 'remove the state directory, or use another one (--root or SLIPWAY_ROOT)',
    })
  }
  const name = isFullDatabase(e) ? 'ENOSPC' : errno
  const code = typeof name === 'string' ? (errnoCodes[name] ?? 'unknown') : 'unknown'
  const hint = typeof name === 'string' ? errnoHints[name] : undefined
  const message = typeof errno === 'string' ? goSystemError(e.message) : e.message
  return new SlipwayError(code, message, { cause: e, ...(hint === undefined ? {} : { hint }) })
}

/** SQLITE_FULL. Source: https://www.sqlite.org/rescode.html#full */
function isFullDatabase(e: Error): boolean {
  return 'errcode' in e && typeof e.errcode === 'number' && (e.errcode & 0xff) === 13
}

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
function isDamagedDatabase(e: Error): boolean {
  if (!('errcode' in e) || typeof e.errcode !== 'number') return false
  const code = e.errcode & 0xff
  return code === 11 || code === 26
}

const errnoCodes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'not-found',
  EEXIST: 'already-exists',
  EACCES: 'permission-denied',
  EPERM: 'permission-denied',
  EROFS: 'failed-precondition',
  ENOSPC: 'resource-exhausted',
  EDQUOT: 'resource-exhausted',
  EMFILE: 'resource-exhausted',
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  EPIPE: 'unavailable',
  ENOTFOUND: 'unavailable',
  ETIMEDOUT: 'deadline-exceeded',
}

const errnoHints: Readonly<Record<string, string>> = {
  ENOSPC: 'free some disk space (`slipway prune` removes unused build cache), then run the command again',
  EDQUOT: 'the disk quota is used up: free some space (`slipway prune`), then run the command again',
  EROFS:
    'the file system is read-only: choose another place (for the state directory: --root or SLIPWAY_ROOT)',
}
