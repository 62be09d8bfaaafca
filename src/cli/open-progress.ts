import { SlipwayError } from '../errors/slipway-error.ts'
import { systemClock } from '../progress/clock.ts'
import { noColors, progressColors } from '../progress/colors.ts'
import { openDisplay, type ProgressMode, parseProgressMode } from '../progress/display.ts'
import { ProgressPrinter } from '../progress/printer.ts'
import type { Terminal } from '../progress/terminal.ts'
import type { Host } from './host.ts'
import { openTraceRecorder } from './telemetry/trace-recorder.ts'

/** What a command shows its progress with. */
export interface ProgressRequest {
  /** Value of `--progress`. */
  readonly progress: string
  /** `--quiet`: no progress; does not go with a `--progress` other than `auto` and `quiet`. */
  readonly quiet?: boolean
  /** What builds, for plain output: `building with "x" instance using y driver`. */
  readonly description?: string
  /** What builds, for the tty header: `docker:default`. */
  readonly label?: string
  /** First words of the tty header. @default Building */
  readonly phase?: string
  /** It is shown once more: no trace is made of it. */
  readonly replay?: true
}

/** The mode that `--progress`, `--quiet` and BUILDKIT_PROGRESS ask for. Throws `invalid-argument`. */
export function progressMode(request: ProgressRequest, env: Host['env']): ProgressMode {
  const { progress, quiet = false } = request
  if (!quiet) return parseProgressMode(progress, env['BUILDKIT_PROGRESS'])
  if (!['', 'auto', 'none', 'quiet'].includes(progress)) {
    throw new SlipwayError('invalid-argument', `progress=${progress} and quiet cannot be used together`)
  }
  return 'quiet'
}

/** Standard error as a place to draw on. A terminal that calls itself dumb cannot be drawn on. */
export function progressTerminal(host: Host): Terminal {
  const { stderr } = host
  return {
    isTerminal: stderr.isTTY && host.env['TERM'] !== 'dumb',
    write: chunk => stderr.write(chunk),
    size: () => ({ columns: stderr.columns, rows: stderr.rows }),
  }
}

/** Throws `failed-precondition` where the display that is asked for needs a terminal. */
export async function checkDisplay(host: Host, request: ProgressRequest): Promise<void> {
  const terminal = progressTerminal(host)
  if (progressMode(request, host.env) !== 'tty' || terminal.isTerminal) return
  await openDisplay('tty', { terminal, clock: systemClock, colors: noColors })
}

/**
 * Opens progress on standard error with the settings of the environment: BUILDKIT_PROGRESS, BUILDKIT_COLORS, NO_COLOR,
 * BUILDKIT_TTY_LOG_LINES, TTY_DISPLAY_RATE, PROGRESS_NO_TRUNC; OTEL_… for traces of what it shows. The caller closes it.
 */
export async function openProgress(host: Host, request: ProgressRequest): Promise<ProgressPrinter> {
  const { env } = host
  const { description, label, phase } = request
  const logRows = positive(env['BUILDKIT_TTY_LOG_LINES'])
  const rate = positive(env['TTY_DISPLAY_RATE'])
  const recorder = request.replay ? undefined : openTraceRecorder(host)
  return await ProgressPrinter.open(progressMode(request, env), {
    terminal: progressTerminal(host),
    clock: { ...systemClock, now: () => host.now() },
    colors: progressColors({
      buildkitColors: env['BUILDKIT_COLORS'],
      noColor: env['NO_COLOR'],
      warn: line => host.stderr.write(`WARNING: ${line}\n`),
    }),
    truncateNames: env['PROGRESS_NO_TRUNC'] === '0',
    ...(description === undefined ? {} : { description }),
    ...(label === undefined ? {} : { label }),
    ...(phase === undefined ? {} : { phase }),
    ...(logRows === undefined ? {} : { logRows }),
    ...(rate === undefined ? {} : { rate }),
    ...(recorder === undefined ? {} : { recorder }),
  })
}

function positive(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined
}
