import { anySignal } from '../async/abort.ts'
import { toMilliseconds } from '../gostd/duration.ts'
import type { Flag } from '../gostd/pflag/flag.ts'
import type { FlagSet } from '../gostd/pflag/flag-set.ts'

/** Declares `--timeout`: how long nodes may take to say what they are. */
export function timeoutFlag(set: FlagSet): Flag<bigint> {
  return set.duration('timeout', {
    usage: 'How long nodes may take to tell their status',
    initial: 20_000_000_000n,
  })
}

/** A signal that aborts with `signal`, or when a timeout (nanoseconds; 0 = none) is over. */
export function withTimeout(signal: AbortSignal, timeout: bigint): AbortSignal {
  return timeout > 0n ? anySignal(signal, AbortSignal.timeout(Math.ceil(toMilliseconds(timeout)))) : signal
}
