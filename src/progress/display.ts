import { SlipwayError } from '../errors/slipway-error.ts'
import type { SolveStatus } from '../status/solve-status.ts'
import type { Clock } from './clock.ts'
import type { ProgressColors } from './colors.ts'
import type { Terminal } from './terminal.ts'

/** The ways to show progress. `auto` is tty on a terminal, else plain; `none` is another word for quiet. */
export type ProgressMode = 'auto' | 'tty' | 'plain' | 'rawjson' | 'quiet' | 'none'

/** A way to show progress. */
export interface Display {
  /** Takes one message; drawing may wait for a later one or for `refresh`. */
  update(status: SolveStatus): void
  /** Draws what has not been drawn. Called at least every 150 ms. */
  refresh(): void
  /** Draws the end. Nothing is called afterwards. */
  done(): void
}

/** What displays are drawn with. */
export interface DisplayOptions {
  readonly terminal: Terminal
  readonly clock: Clock
  readonly colors: ProgressColors
  /** First words of the tty header. @default Building */
  readonly phase?: string
  /** What builds, for the first line of plain output (`building with "x" instance using y driver`). */
  readonly description?: string
  /** What builds, for the right end of the tty header (`docker:default`). */
  readonly label?: string
  /** Rows of a log window, BUILDKIT_TTY_LOG_LINES. @default 6 */
  readonly logRows?: number
  /** Cuts names to 72 characters in plain output, PROGRESS_NO_TRUNC=0. @default false */
  readonly truncateNames?: boolean
  /** Least time between two drawings in milliseconds, TTY_DISPLAY_RATE. @default 100 */
  readonly rate?: number
}

const modes: readonly string[] = ['auto', 'tty', 'plain', 'rawjson', 'quiet', 'none']

/**
 * The mode that a `--progress` value means. `environment` is the value of BUILDKIT_PROGRESS and replaces only `auto`;
 * an empty value is `auto`. Throws `invalid-argument` (`invalid progress mode foo`).
 */
export function parseProgressMode(value: string, environment?: string): ProgressMode {
  const chosen = (value === '' || value === 'auto') && environment ? environment : value || 'auto'
  if (!modes.includes(chosen)) throw new SlipwayError('invalid-argument', `invalid progress mode ${chosen}`)
  return chosen as ProgressMode
}

/**
 * Makes the display of a mode, loading only that one. `auto` becomes tty or plain; `tty` without a terminal throws
 * `failed-precondition` (`failed to get console`).
 */
export async function openDisplay(mode: ProgressMode, options: DisplayOptions): Promise<Display> {
  const { isTerminal } = options.terminal
  switch (mode) {
    case 'quiet':
    case 'none':
      return { update: () => {}, refresh: () => {}, done: () => {} }
    case 'rawjson':
      return (await import('./rawjson-display.ts')).rawJsonDisplay(options.terminal)
    case 'tty':
      if (!isTerminal) {
        throw new SlipwayError(
          'failed-precondition',
          'failed to get console: provided file is not a console',
          {
            hint: 'standard error is not a terminal: use --progress=plain',
          },
        )
      }
      return new (await import('./tty-display.ts')).TtyDisplay(options)
    case 'auto':
      return openDisplay(isTerminal ? 'tty' : 'plain', options)
    case 'plain':
      return new (await import('./plain-display.ts')).PlainDisplay(options)
    default:
      return mode satisfies never
  }
}
