import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import type { HostOutput } from '../host.ts'

/** Levels of a daemon's log, the gravest first. */
const levels = ['panic', 'fatal', 'error', 'warning', 'info', 'debug', 'trace'] as const

/** A level of a log line. */
export type LogLevel = (typeof levels)[number]

/** Writes lines to a log, those that its level lets through. */
export interface DaemonLog {
  (level: LogLevel, message: string): void
  /** Whether lines of that level are written. */
  readonly shows: (level: LogLevel) => boolean
}

/** How a log is written. */
export interface LogSettings {
  /** `text` or `json`. */
  readonly format: string
  /** Name of the lowest level, as logrus reads it. */
  readonly level: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/**
 * The log of a daemon, in the forms that buildkitd's has: lines of logrus as text, for terminals and for files, or as
 * JSON. Throws `invalid-argument` for other formats and levels.
 */
export function createDaemonLog(output: HostOutput, settings: LogSettings): DaemonLog {
  const { format, now } = settings
  if (!['text', 'json', ''].includes(format))
    throw new SlipwayError('invalid-argument', `unsupported log type ${quote(format)}`, {
      hint: 'use text or json',
    })
  const lowest = levelOf(settings.level)
  const shows = (level: LogLevel): boolean => levels.indexOf(level) <= lowest
  const write = (level: LogLevel, message: string): void => {
    if (!shows(level)) return
    const time = `${new Date(now()).toISOString().slice(0, 19)}Z`
    if (format === 'json') output.write(`${JSON.stringify({ level, msg: message, time })}\n`)
    else if (output.isTTY) output.write(`${level.slice(0, 4).toUpperCase()}[${time}] ${message}\n`)
    else
      output.write(
        `time=${quote(time)} level=${level} msg=${needsQuotes(message) ? quote(message) : message}\n`,
      )
  }
  return Object.assign(write, { shows })
}

function levelOf(text: string): number {
  const name = text.toLowerCase()
  const at = levels.findIndex(level => level === (name === 'warn' ? 'warning' : name))
  if (at < 0)
    throw new SlipwayError(
      'invalid-argument',
      `unsupported log level: not a valid logrus Level: ${quote(text)}`,
      {
        hint: `use ${levels.slice(2).join(', ')}`,
      },
    )
  return at
}

const needsQuotes = (text: string): boolean => !/^[A-Za-z0-9\-._/@^+]+$/.test(text)
