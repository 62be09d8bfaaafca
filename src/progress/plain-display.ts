import { formatFixed } from '../gostd/fixed.ts'
import type { SolveStatus, Timestamp, VertexStatus } from '../status/solve-status.ts'
import { progressAmount } from './byte-size.ts'
import type { Display, DisplayOptions } from './display.ts'
import { drawLimit } from './draw-limit.ts'
import { tailLength, writeErrorLogs } from './error-logs.ts'
import { totalSeconds } from './interval.ts'
import type { Step } from './step.ts'
import { Trace } from './trace.ts'

/** A running step keeps the output at least this long (ms), longer the larger its share of the events. */
const antiFlicker = 5000
/** A step with news is shown at the latest after this time (ms). */
const maxDelay = 10_000
/** A status row is shown again after this time (ms)… */
const minTimeDelta = 5000
/** …or after this part of its total. */
const minProgressDelta = 0.05

interface Share {
  readonly step: Step
  readonly waited: number
  readonly speed: number
  readonly overLimit: boolean
}

/**
 * Progress as lines of text: every step has a number and prints blocks of `#N …` lines; one step has the output at a
 * time, `#N ...` marks that it lost it. Behaviour of
 * https://github.com/moby/buildkit/blob/v0.32.2/util/progress/progressui/printer.go
 */
export class PlainDisplay implements Display {
  readonly #options: DisplayOptions
  readonly #trace: Trace
  readonly #mayDraw: () => boolean
  #current: Step | undefined
  #lastIndex = 0
  #first = true
  readonly #lastShown = new Map<string, VertexStatus>()

  constructor(options: DisplayOptions) {
    this.#options = options
    this.#trace = new Trace({ now: () => options.clock.now() })
    this.#mayDraw = drawLimit(options.clock, options.rate ?? 100)
  }

  update(status: SolveStatus): void {
    this.#trace.update(status)
    if (this.#mayDraw()) this.refresh()
  }

  refresh(): void {
    const { byDigest, updated } = this.#trace
    const news = [...updated]
      .map(digest => byDigest.get(digest))
      .filter(step => step !== undefined && !step.hidden)
    const completed = news.filter((step): step is Step => step?.isCompleted === true)
    const open = news.filter((step): step is Step => step?.isCompleted === false)
    const before = this.#current
    const finished = before !== undefined && completed.includes(before)
    if (finished) this.#show(before)
    const stop = (step: Step): Timestamp => step.lastInterval?.stop ?? 0
    for (const step of completed.toSorted((a, b) => stop(a) - stop(b))) if (step !== before) this.#show(step)
    if (open.length === 0) this.#showAnyOpen(before)
    else this.#shareOutput(open, before, finished)
  }

  done(): void {
    this.refresh()
    writeErrorLogs(this.#options.terminal, this.#trace.steps)
  }

  #showAnyOpen(before: Step | undefined): void {
    if (before !== undefined && before.isStarted && !before.isCompleted) return
    const open = [...this.#trace.byDigest.values()].find(s => s.isStarted && !s.isCompleted && !s.hidden)
    if (open !== undefined) this.#show(open)
  }

  /** Decides which of the running steps with news gets the output. */
  #shareOutput(open: readonly Step[], before: Step | undefined, finished: boolean): void {
    if (before !== undefined && open.includes(before)) this.#show(before)
    const now = this.#options.clock.now()
    const shares: Share[] = []
    for (const step of new Set(before === undefined ? open : [...open, before])) {
      if (step.countedSince === undefined) continue
      const waited = now - step.countedSince
      const overLimit = waited > maxDelay && step !== before
      shares.push({ step, waited, speed: step.count / (waited / 1000), overLimit })
    }
    let busiest = shares[0]
    for (const share of shares) {
      if (busiest === undefined || share.overLimit || busiest.speed < share.speed) busiest = share
    }
    if (busiest === undefined) return
    if (finished || before === undefined) return this.#show(busiest.step)
    const late = shares.find(share => share.overLimit)
    if (late !== undefined) return this.#show(late.step)
    const own = shares.find(share => share.step === before)
    if (own === undefined) return
    const sum = shares.reduce((total, share) => total + share.speed, 0)
    if ((1 / (1 - own.speed / sum)) * antiFlicker < own.waited) this.#show(busiest.step)
  }

  /** Prints what is new about a step and gives it the output. */
  #show(step: Step): void {
    if (step.index === 0) step.index = ++this.#lastIndex
    if (step !== this.#current) this.#switchTo(step)
    const hasOpenRow = this.#showStatuses(step)
    for (const warning of step.warnings.slice(step.shownWarnings)) this.#line(step, `WARN: ${warning.short}`)
    step.shownWarnings = step.warnings.length
    this.#showLogs(step)
    this.#current = step
    if (step.isCompleted && !hasOpenRow) this.#finish(step)
    this.#trace.updated.delete(step.vertex.digest)
  }

  #switchTo(step: Step): void {
    const old = this.#current
    if (old !== undefined) {
      if (old.openLine) this.#write('\n')
      old.shownPieces = 0
      old.count = 0
      this.#line(old, '...')
    }
    const { description } = this.#options
    if (!this.#first) this.#write('\n')
    else if (description !== undefined && description !== '') this.#write(`#0 ${description}\n\n`)
    this.#first = false
    const { name } = step.vertex
    const cut = this.#options.truncateNames === true && name.length > 72
    this.#line(step, cut ? `${name.slice(0, 72)}...` : name)
  }

  #showStatuses(step: Step): boolean {
    let hasOpenRow = false
    for (const id of step.statuses) {
      const status = step.statusById.get(id)
      if (status === undefined || !step.changedStatuses.has(id) || !this.#worthShowing(status)) continue
      this.#lastShown.set(id, status)
      const amount = progressAmount(status.current, status.total)
      const seconds = ((status.completed ?? status.timestamp) - (status.started ?? status.timestamp)) / 1000
      const time = seconds > 0.01 ? ` ${formatFixed(seconds, 1)}s` : ''
      if (status.completed === undefined) hasOpenRow = true
      const done = status.completed === undefined ? '' : ' done'
      this.#line(step, `${id}${amount === '' ? '' : ` ${amount}`}${time}${done}`)
    }
    step.changedStatuses.clear()
    return hasOpenRow
  }

  #worthShowing(status: VertexStatus): boolean {
    const last = this.#lastShown.get(status.id)
    if (last === undefined || status.completed !== undefined) return true
    const total = status.total ?? 0
    const progress = total > 0 ? (status.current - last.current) / total : 0
    return progress >= minProgressDelta || status.timestamp - last.timestamp >= minTimeDelta
  }

  #showLogs(step: Step): void {
    const { lines } = step
    for (const [i, line] of lines.entries()) {
      const from = i === 0 ? step.shownPieces : 0
      const bytes = line.bytes(from)
      if (from === 0) this.#write(`#${step.index} `)
      this.#write(bytes)
      const isOpen = i === lines.length - 1 && step.openLine
      if (isOpen) continue
      this.#write('\n')
      step.tail.push(from === 0 ? bytes : line.bytes())
      if (step.tail.length > tailLength) step.tail.shift()
    }
    const last = step.openLine ? lines.at(-1) : undefined
    step.lines = last === undefined ? [] : [last]
    step.shownPieces = last?.length ?? 0
  }

  #finish(step: Step): void {
    this.#current = undefined
    step.count = 0
    if (step.openLine) this.#write('\n')
    const { error, cached } = step.vertex
    if (error !== undefined && error !== '')
      this.#line(step, step.isCanceled ? 'CANCELED' : `ERROR: ${error}`)
    else if (cached === true) this.#line(step, 'CACHED')
    else this.#line(step, `DONE ${formatFixed(totalSeconds(step.merged, this.#options.clock.now()), 1)}s`)
  }

  #line(step: Step, text: string): void {
    this.#write(`#${step.index} ${text}\n`)
  }

  #write(chunk: string | Uint8Array): void {
    this.#options.terminal.write(chunk)
  }
}
