import { type Duration, parseDuration } from '../../gostd/duration.ts'
import { parseInteger } from '../../gostd/parse-number.ts'
import { quote } from '../../gostd/quote.ts'
import type { Node } from '../parser/node.ts'
import { atLeastOne, invalid } from './argument-error.ts'
import { commandWords } from './command.ts'
import { type Flags, parseFlags } from './flags.ts'
import { baseOf, type InstructionBase } from './instruction.ts'

/** A health check; durations in nanoseconds, 0 where not given. */
export interface Healthcheck {
  /** `NONE`, or `CMD` with words, or `CMD-SHELL` with one text. */
  readonly test: readonly string[]
  readonly interval: Duration
  readonly timeout: Duration
  readonly startPeriod: Duration
  readonly startInterval: Duration
  readonly retries: number
}

/** HEALTHCHECK. */
export interface HealthcheckInstruction extends InstructionBase {
  readonly kind: 'healthcheck'
  readonly check: Healthcheck
}

const millisecond = 1_000_000n
const maxInt32 = 2n ** 31n - 1n

/** Reads HEALTHCHECK. Throws `invalid-argument`. */
export function parseHealthcheck(node: Node): HealthcheckInstruction {
  const [first, ...args] = node.args
  if (first === undefined) throw atLeastOne('HEALTHCHECK')
  const type = first.toUpperCase()
  const base = { ...baseOf(node), kind: 'healthcheck' as const }
  if (type === 'NONE') {
    if (args.length > 0) throw invalid('HEALTHCHECK NONE takes no arguments')
    return { ...base, check: { ...never, test: ['NONE'] } }
  }
  const flags = parseFlags(node.flags, {
    interval: 'text',
    timeout: 'text',
    'start-period': 'text',
    'start-interval': 'text',
    retries: 'text',
  })
  if (type !== 'CMD') throw invalid(`Unknown type ${quote(type)} in HEALTHCHECK (try CMD)`)
  const words = commandWords(args, node.json)
  if (words.length === 0) throw invalid('Missing command after HEALTHCHECK CMD')
  return {
    ...base,
    check: {
      test: [node.json ? 'CMD' : 'CMD-SHELL', ...words],
      interval: readInterval(flags, 'interval'),
      timeout: readInterval(flags, 'timeout'),
      startPeriod: readInterval(flags, 'start-period'),
      startInterval: readInterval(flags, 'start-interval'),
      retries: readRetries(flags),
    },
  }
}

const never = { interval: 0n, timeout: 0n, startPeriod: 0n, startInterval: 0n, retries: 0 }

function readInterval(flags: Flags, name: string): Duration {
  const text = flags.text(name) ?? ''
  const duration = text === '' ? 0n : parseDuration(text)
  if (duration !== 0n && duration < millisecond) {
    throw invalid(`Interval ${quote(name)} cannot be less than 1ms`)
  }
  return duration
}

function readRetries(flags: Flags): number {
  const text = flags.text('retries') ?? ''
  if (text === '') return 0
  const retries = parseInteger(text, { base: 10, min: -maxInt32 - 1n, max: maxInt32 })
  if (retries < 0) throw invalid(`--retries cannot be negative (${retries})`)
  return retries
}
