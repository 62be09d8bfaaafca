import type { ErrorCode } from '../errors/codes.ts'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'

/** Kinds of work by name: what goes in, what comes out, and what is told on the way. All must survive a structured clone. */
export type JobTypes = Readonly<
  Record<string, { readonly input: unknown; readonly output: unknown; readonly event?: unknown }>
>

/** To a worker. */
export type ToWorker =
  | {
      readonly kind: 'run'
      readonly id: number
      readonly job: string
      readonly input: unknown
      readonly canceled: SharedArrayBuffer
    }
  | { readonly kind: 'cancel'; readonly id: number }

/** From a worker. */
export type FromWorker =
  | { readonly kind: 'event'; readonly id: number; readonly event: unknown }
  | { readonly kind: 'done'; readonly id: number; readonly output: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorRecord }

/** A `SlipwayError` as plain data: classes do not survive the way between threads. */
export interface ErrorRecord {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
  readonly errno?: string
}

/** What a job has besides its input. */
export interface JobContext<Event = never> {
  /** Aborts with the caller's signal, but only between two turns of the event loop. */
  readonly signal: AbortSignal
  /** Throws `canceled` as soon as the caller's signal has aborted, also inside a long synchronous stretch. */
  readonly check: () => void
  readonly emit: (event: Event) => void
}

/** The error as it travels. */
export function errorRecord(error: unknown): ErrorRecord {
  const known = asSlipwayError(error)
  const cause = typeof error === 'object' && error !== null && 'code' in error ? error : known.cause
  const errno =
    typeof cause === 'object' &&
    cause !== null &&
    'code' in cause &&
    typeof cause.code === 'string' &&
    /^E[A-Z0-9]+$/.test(cause.code)
  return {
    code: known.code,
    message: known.message,
    ...(known.hint === undefined ? {} : { hint: known.hint }),
    ...(errno ? { errno: cause.code as string } : {}),
  }
}

/** The error again, on the other side; a system error's name is kept in its cause. */
export function errorFromRecord(record: ErrorRecord): SlipwayError {
  return new SlipwayError(record.code, record.message, {
    ...(record.hint === undefined ? {} : { hint: record.hint }),
    ...(record.errno === undefined
      ? {}
      : { cause: Object.assign(new Error(record.message), { code: record.errno }) }),
  })
}
