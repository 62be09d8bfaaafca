/** How much of what a step prints is shown, for each of its two streams. -1: no limit. */
export interface LogLimits {
  /** Bytes in all. */
  readonly size: number
  /** Bytes for each second since the step began. */
  readonly speed: number
  /** Milliseconds. */
  readonly now: () => number
}

/** A stream of a step that is cut. */
export interface LimitedLog {
  readonly write: (chunk: Uint8Array) => void
  /** Shows the end of what was printed, if something was left out: of a step that failed. */
  readonly flush: () => void
}

/** Bytes at the end that are kept for `flush`. */
const keptBytes = 256 * 1024

/**
 * The limits that BUILDKIT_STEP_LOG_MAX_SIZE and BUILDKIT_STEP_LOG_MAX_SPEED set. Without them nothing is cut: BuildKit would
 * at 2 MiB and at 200 KiB a second, and what is missing then is what somebody looks for.
 */
export function logLimits(env: Readonly<Record<string, string | undefined>>, now: () => number): LogLimits {
  return {
    size: readLimit(env['BUILDKIT_STEP_LOG_MAX_SIZE']) ?? -1,
    speed: readLimit(env['BUILDKIT_STEP_LOG_MAX_SPEED']) ?? -1,
    now,
  }
}

/**
 * Passes on what the limits allow, and says where something is left out.
 * Source of the rule: https://github.com/moby/buildkit/blob/v0.32.2/util/progress/logs/logs.go
 */
export function limitLog(show: (chunk: Uint8Array) => void, limits: LogLimits): LimitedLog {
  const startedMs = limits.now()
  let size = 0
  let isClipping = false
  let end: Buffer | undefined
  return {
    write(chunk) {
      const seconds = Math.ceil((limits.now() - startedMs) / 1000)
      const { allowed, reason } = allowance(seconds, limits)
      const part = chunk.subarray(0, Math.max(0, Math.min(chunk.length, allowed - size)))
      size += chunk.length
      const isCut = part.length < chunk.length
      if (isCut || end !== undefined) end = lastBytes(end, chunk)
      const note =
        isCut && !isClipping ? Buffer.from(`\n[output clipped, log limit ${reason} reached]\n`) : undefined
      isClipping = isCut
      const shown = note === undefined ? part : Buffer.concat([part, note])
      if (shown.length > 0) show(shown)
    },
    flush() {
      if (end !== undefined) show(end)
      end = undefined
    },
  }
}

function allowance(seconds: number, { size, speed }: LogLimits): { allowed: number; reason: string } {
  const fast = Math.max(1, seconds) * speed
  if (speed !== -1 && (size === -1 || fast <= size))
    return { allowed: fast, reason: `${binarySize(speed)}/s` }
  return { allowed: size === -1 ? Number.POSITIVE_INFINITY : size, reason: binarySize(size) }
}

function lastBytes(before: Buffer | undefined, chunk: Uint8Array): Buffer {
  const all = before === undefined ? Buffer.from(chunk) : Buffer.concat([before, chunk])
  return all.length > keptBytes ? Buffer.from(all.subarray(-keptBytes)) : all
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined || !/^[+-]?\d+$/.test(text)) return undefined
  const value = Number(text)
  return value === Math.trunc(value) && Math.abs(value) < 2 ** 31 ? value : undefined
}

function binarySize(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(bytes) / 10))
  return `${bytes / 1024 ** power}${['B', 'KiB', 'MiB', 'GiB'][power]}`
}
