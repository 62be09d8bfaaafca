import { formatFixed } from '../gostd/fixed.ts'
import type { SolveStatus } from '../status/solve-status.ts'
import { paint } from './colors.ts'
import type { Display, DisplayOptions } from './display.ts'
import { drawLimit } from './draw-limit.ts'
import { writeErrorLogs } from './error-logs.ts'
import { totalSeconds } from './interval.ts'
import type { Row } from './row.ts'
import { Trace, type TraceView } from './trace.ts'
import { chooseRows } from './visible-rows.ts'
import { Vt100 } from './vt100.ts'

/** Columns that a log row does not use. */
const termPad = 10
const minLogRows = 6

/**
 * Progress drawn in place: a header, a row per step with its duration at the right end, a window of output under
 * running steps. Behaviour of https://github.com/moby/buildkit/blob/v0.32.2/util/progress/progressui/display.go
 */
export class TtyDisplay implements Display {
  readonly #options: DisplayOptions
  readonly #trace: Trace
  readonly #mayDraw: () => boolean
  readonly #maxLogRows: number
  #logRows: number
  #columns = 80
  #rows = 10
  #drawnRows = 0
  #first = true

  constructor(options: DisplayOptions) {
    this.#options = options
    this.#maxLogRows = options.logRows ?? minLogRows
    this.#logRows = this.#maxLogRows
    this.#mayDraw = drawLimit(options.clock, options.rate ?? 100)
    const width = (): number => Math.max(1, this.#columns - termPad)
    this.#trace = new Trace({
      now: () => options.clock.now(),
      newTerm: () => new Vt100(this.#logRows, width()),
      prepareTerm: term => term.resize(this.#logRows, this.#columns - termPad),
    })
  }

  update(status: SolveStatus): void {
    this.#measure()
    this.#trace.update(status)
    if (this.#mayDraw()) this.refresh()
  }

  refresh(): void {
    this.#draw(false)
  }

  done(): void {
    this.#measure()
    this.#draw(true)
    writeErrorLogs(this.#options.terminal, this.#trace.steps)
  }

  #measure(): void {
    const { columns, rows } = this.#options.terminal.size()
    const known = columns > 0 && rows > 0
    this.#columns = known ? columns : 80
    this.#rows = known ? rows : 10
  }

  #draw(all: boolean): void {
    const view = this.#trace.view()
    this.#logRows = Math.max(minLogRows, Math.min(this.#maxLogRows, this.#rows - minLogRows - 1))
    const { rows, windows } = chooseRows(view.rows, { height: this.#rows, logRows: this.#logRows, all })
    const up = '\x1b[1A'.repeat(this.#drawnRows + 1)
    const lines: string[] = []
    for (const row of rows) {
      const line = this.#row(row)
      if (line === undefined) continue
      lines.push(line)
      if (row.step !== undefined && windows.has(row.step)) lines.push(...this.#window(row))
    }
    const surplus = Math.max(0, this.#drawnRows - lines.length)
    const blank = `${' '.repeat(this.#columns)}\n`.repeat(surplus)
    const back = surplus > 0 ? `\x1b[${surplus}A\x1b[0G` : ''
    const header = `${up}${this.#first ? '\x1b[1B' : ''}\x1b[0G\x1b[?25l${this.#header(view, all)}\n`
    this.#options.terminal.write(`${header}${lines.join('')}${blank}${back}\x1b[?25h`)
    this.#first = false
    this.#drawnRows = lines.length
  }

  #header(view: TraceView, all: boolean): string {
    const finished = view.completed > 0 && view.completed === view.total && all
    const seconds = formatFixed((this.#options.clock.now() - view.startTime) / 1000, 1)
    const { phase = 'Building', label = '' } = this.#options
    const left = `[+] ${phase} ${seconds}s (${view.completed}/${view.total}) ${finished ? 'FINISHED' : ''}`
    const line = label === '' ? align(left, '', this.#columns) : align(left, label, this.#columns - 1)
    return cut(line, this.#columns)
  }

  /** A row with its newline, undefined when the terminal is too narrow for it or it has no time yet. */
  #row(row: Row): string | undefined {
    if (row.intervals.length === 0) return undefined
    const seconds = totalSeconds(row.intervals, this.#options.clock.now())
    const timer = ` ${formatFixed(seconds < 0.05 ? 0 : seconds, 1).padStart(3)}s\n`
    const lead = ' => '
    let left = this.#columns - lead.length - timer.length - 1
    const showAmount = row.amount !== '' && left + row.amount.length > 20
    if (showAmount) left -= row.amount.length + 1
    if (left < 12) return undefined
    const text = `${lead}${cut(row.name, left)}${showAmount ? ` ${row.amount}` : ''}`
    const line = align(text, timer, this.#columns)
    if (!row.isCompleted) return line
    const { colors } = this.#options
    switch (row.kind) {
      case 'canceled':
        return paint(line, colors.cancel)
      case 'error':
        return paint(line, colors.error)
      case 'plain':
        return paint(line, colors.run)
      default:
        return row.kind satisfies never
    }
  }

  #window(row: Row): string[] {
    const step = row.step
    if (step?.term === undefined) return []
    step.term.resize(this.#logRows, this.#columns - termPad)
    step.termShown++
    return step.term.lines().map(line => paint(` => => # ${line}\n`, '\x1b[2m'))
  }
}

/** `left` and `right` at the two ends of a line of `width` characters. */
function align(left: string, right: string, width: number): string {
  const room = width - right.length - 1
  return `${left}${' '.repeat(Math.max(0, room - Array.from(left).length))} ${right}`
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : Array.from(text).slice(0, width).join('')
}
