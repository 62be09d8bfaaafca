import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseRfc3339 } from '../gostd/time.ts'
import type { SolveStatus, VertexWarning } from '../status/solve-status.ts'
import { clientStep } from './client-step.ts'
import type { Clock } from './clock.ts'
import { defaultColors, noColors, progressColors } from './colors.ts'
import { type DisplayOptions, openDisplay, type ProgressMode, parseProgressMode } from './display.ts'
import { mergeIntervals } from './interval.ts'
import { ProgressPrinter } from './printer.ts'
import { rawJson } from './rawjson-display.ts'
import { sourceExcerpt } from './source-excerpt.ts'
import { StatusMux } from './status-mux.ts'
import { multiWriter, prefixed, resetTime } from './status-writers.ts'
import { Vt100 } from './vt100.ts'
import { distinctWarnings, warningsText } from './warnings.ts'

/** A clock that is set by hand. */
class ManualClock implements Clock {
  time = 0
  readonly #timers = new Set<() => void>()
  now(): number {
    return this.time
  }
  every(_ms: number, fn: () => void): Disposable {
    this.#timers.add(fn)
    return { [Symbol.dispose]: () => void this.#timers.delete(fn) }
  }
  advance(ms: number): void {
    this.time += ms
    for (const fn of this.#timers) fn()
  }
}

function screen(
  mode: string,
  columns = 80,
  rows = 24,
): { readonly options: DisplayOptions; readonly text: () => string; readonly clock: ManualClock } {
  const chunks: Uint8Array[] = []
  const clock = new ManualClock()
  const terminal = {
    isTerminal: mode === 'tty',
    write: (chunk: string | Uint8Array): void => void chunks.push(Buffer.from(chunk as string)),
    size: () => ({ columns, rows }),
  }
  return {
    clock,
    options: { terminal, clock, colors: defaultColors },
    text: () => Buffer.concat(chunks).toString(),
  }
}

/** A message from its rawjson form. */
function fromRawJson(json: unknown): SolveStatus {
  const dates = new Set(['started', 'completed', 'timestamp'])
  const revive = (key: string, value: unknown): unknown => {
    if (typeof value !== 'string') return value
    if (dates.has(key)) return parseRfc3339(value)
    return key === 'data' ? Buffer.from(value, 'base64') : value
  }
  const status = JSON.parse(JSON.stringify(json), revive) as SolveStatus
  const text = (base64: string): string => Buffer.from(base64, 'base64').toString()
  const warning = (w: Record<string, unknown>): VertexWarning => ({
    ...(w as unknown as VertexWarning),
    short: text(w['short'] as string),
    detail: ((w['detail'] ?? []) as string[]).map(text),
    source:
      w['sourceInfo'] === undefined
        ? undefined
        : { ...(w['sourceInfo'] as { filename: string; data: Uint8Array }), ranges: position(w['range']) },
  })
  const position = (
    ranges: unknown,
  ): { start: { line: number; character: number }; end: { line: number; character: number } }[] =>
    (ranges as { start: object; end: object }[]).map(({ start, end }) => ({
      start: { line: 0, character: 0, ...start },
      end: { line: 0, character: 0, ...end },
    }))
  const warnings = (status.warnings as unknown as Record<string, unknown>[] | undefined)?.map(warning)
  return warnings === undefined ? status : { ...status, warnings }
}

describe('displays', () => {
  const folder = new URL('golden/', import.meta.url)
  for (const file of readdirSync(folder).filter(name => name.endsWith('.jsonl'))) {
    it(`draw ${file} as the display of BuildKit 0.32.2 drew it`, async () => {
      const [head = '', ...events] = readFileSync(new URL(file, folder), 'utf8').trimEnd().split('\n')
      const { mode, w, h, desc, label } = JSON.parse(head) as {
        mode: ProgressMode
        w: number
        h: number
        desc: string
        label: string
      }
      const { options, text, clock } = screen(mode, w, h)
      const display = await openDisplay(mode, { ...options, description: desc, label })
      for (const line of events) {
        const event = JSON.parse(line) as { at: number; status?: unknown }
        clock.time = event.at
        if (event.status === undefined) display.refresh()
        else display.update(fromRawJson(event.status))
      }
      display.done()
      const expected = readFileSync(new URL(file.replace('.jsonl', '.txt'), folder), 'utf8')
      assert.equal(text(), expected)
    })
  }

  it('never clip the output of a step', async () => {
    const { options, text } = screen('plain')
    const display = await openDisplay('plain', options)
    display.update({ vertexes: [{ digest: 'a', name: 'long', started: 0 }] })
    const line = `${'x'.repeat(1000)}\n`
    for (let i = 0; i < 4000; i++)
      display.update({ logs: [{ vertex: 'a', stream: 1, data: Buffer.from(line), timestamp: 1 }] })
    display.done()
    assert.equal(
      text()
        .split('\n')
        .filter(shown => shown === `#1 0.001 ${'x'.repeat(1000)}`).length,
      4000,
    )
  })

  it('leave colours out when told to, and cut names in plain output when asked', async () => {
    const tty = screen('tty')
    const display = await openDisplay('tty', { ...tty.options, colors: noColors })
    display.update({ vertexes: [{ digest: 'a', name: 'one', started: 0, completed: 1 }] })
    display.done()
    assert.doesNotMatch(tty.text(), /\x1b\[\d+m/)
    const plain = screen('plain')
    const cut = await openDisplay('plain', { ...plain.options, truncateNames: true })
    cut.update({ vertexes: [{ digest: 'a', name: 'y'.repeat(80), started: 0, completed: 1 }] })
    assert.match(plain.text(), /^#1 y{72}\.\.\.\n/)
  })
})

describe('modes', () => {
  it('are chosen as buildx chooses them', () => {
    assert.equal(parseProgressMode('auto', 'plain'), 'plain')
    assert.equal(parseProgressMode('tty', 'plain'), 'tty')
    assert.equal(parseProgressMode('', ''), 'auto')
    assert.equal(parseProgressMode('none'), 'none')
    assert.throws(() => parseProgressMode('foo'), {
      code: 'invalid-argument',
      message: 'invalid progress mode foo',
    })
    assert.throws(() => parseProgressMode('auto', 'bar'), { message: 'invalid progress mode bar' })
  })

  it('refuse tty without a terminal and fall back to plain for auto', async () => {
    const { options, text } = screen('plain')
    await assert.rejects(openDisplay('tty', options), { message: /^failed to get console/ })
    const auto = await openDisplay('auto', options)
    auto.update({ vertexes: [{ digest: 'a', name: 'n', started: 0, completed: 100, cached: true }] })
    assert.equal(text(), '#1 n\n#1 CACHED\n')
    const quiet = await openDisplay('quiet', options)
    quiet.update({ vertexes: [{ digest: 'a', name: 'n', started: 0 }] })
    quiet.done()
    assert.equal(text(), '#1 n\n#1 CACHED\n')
  })
})

describe('ProgressPrinter', () => {
  it('refreshes by itself, holds messages while paused and gathers warnings once', async () => {
    const { options, text, clock } = screen('plain')
    await using printer = await ProgressPrinter.open('plain', options)
    printer.write({ vertexes: [{ digest: 'a', name: 'a', started: 0 }] })
    printer.write({ vertexes: [{ digest: 'a', name: 'a', started: 0, completed: 1000 }] })
    assert.equal(text(), '#1 a\n')
    clock.advance(200)
    assert.equal(text(), '#1 a\n#1 DONE 1.0s\n')
    printer.pause()
    const warning = { vertex: 'b', level: 1, short: 'careful' }
    printer.write({
      vertexes: [{ digest: 'b', name: 'b', started: 0 }],
      warnings: [warning, { ...warning, vertex: 'c' }],
    })
    assert.equal(text(), '#1 a\n#1 DONE 1.0s\n')
    await printer.resume()
    assert.equal(text(), '#1 a\n#1 DONE 1.0s\n#1 b\n#1 WARN: careful\n')
    printer.close()
    printer.write({ warnings: [{ ...warning, short: 'late' }] })
    assert.deepEqual(printer.warnings, [warning])
  })
})

describe('writers', () => {
  const collect = (): { readonly seen: SolveStatus[]; readonly write: (s: SolveStatus) => void } => {
    const seen: SolveStatus[] = []
    return { seen, write: s => void seen.push(s) }
  }

  it('put the name of a target in front of its steps', () => {
    const { seen, write } = collect()
    const progressGroup = { id: 'g', name: 'group' }
    prefixed(
      write,
      'app',
    )({
      vertexes: [
        { digest: 'a', name: '[internal] load', progressGroup },
        { digest: 'b', name: 'exporting to image' },
      ],
    })
    assert.deepEqual(
      seen[0]?.vertexes?.map(v => v.name),
      ['[app internal] load', '[app] exporting to image'],
    )
    assert.equal(seen[0]?.vertexes?.[0]?.progressGroup?.name, '[app] group')
  })

  it('move the times of a stream to now', () => {
    const { seen, write } = collect()
    const moved = resetTime(write, () => 1000)
    moved({ vertexes: [{ digest: 'a', name: 'a' }] })
    moved({ vertexes: [{ digest: 'a', name: 'a', started: 5000 }] })
    moved({
      vertexes: [{ digest: 'a', name: 'a', started: 5000, completed: 6000 }],
      statuses: [{ id: 's', vertex: 'a', current: 1, timestamp: 5500 }],
      logs: [{ vertex: 'a', stream: 1, data: new Uint8Array(), timestamp: 5600 }],
    })
    assert.equal(seen[1]?.vertexes?.[0]?.started, 1000)
    assert.deepEqual(
      [seen[2]?.vertexes?.[0]?.completed, seen[2]?.statuses?.[0]?.timestamp, seen[2]?.logs?.[0]?.timestamp],
      [2000, 1500, 1600],
    )
  })

  it('take the logs of a shared step from one stream only', () => {
    const { seen, write } = collect()
    const second = collect()
    const mux = new StatusMux(multiWriter(write, second.write))
    const [a, b] = [mux.open(), mux.open()]
    const log = { vertex: 'v', stream: 1, data: Buffer.from('x'), timestamp: 0 }
    a.write({ logs: [log] })
    b.write({ logs: [log, { ...log, vertex: 'w' }] })
    a[Symbol.dispose]()
    b.write({ logs: [log] })
    assert.deepEqual(
      seen.map(s => s.logs?.map(l => l.vertex)),
      [['v'], ['w'], ['v']],
    )
    assert.equal(second.seen.length, 3)
  })

  it('show work of the client as a step, with its failure', async () => {
    const { seen, write } = collect()
    let now = 0
    const options = { now: () => ++now, id: 'x' }
    assert.equal(await clientStep(write, 'importing to docker', async () => 5, options), 5)
    const failing = async (): Promise<void> => {
      throw new Error('no daemon')
    }
    await assert.rejects(clientStep(write, 'booting', failing, options), { message: 'no daemon' })
    assert.deepEqual(
      seen.map(s => s.vertexes?.[0]).map(v => [v?.name, v?.started, v?.completed, v?.error]),
      [
        ['importing to docker', 1, undefined, undefined],
        ['importing to docker', 1, 2, undefined],
        ['booting', 3, undefined, undefined],
        ['booting', 3, 4, 'no daemon'],
      ],
    )
  })
})

describe('warnings', () => {
  const source = {
    filename: 'Dockerfile',
    data: Buffer.from('FROM a as b\nRUN x\n'),
    ranges: [{ start: { line: 1, character: 0 }, end: { line: 1, character: 0 } }],
  }
  const one: VertexWarning = {
    vertex: 'v',
    level: 1,
    short: 'A: b (line 1)',
    detail: ['Because'],
    url: 'https://x',
    source,
  }

  it('are listed under the build, in short or in full', () => {
    const short = warningsText([one], { debug: false, color: undefined })
    assert.equal(short, '\n 1 warning found (use docker --debug to expand):\n - A: b (line 1)\n')
    const two = warningsText([one, { ...one, short: 'C' }], { debug: false, color: defaultColors.warning })
    assert.match(two, /^\n \x1b\[33m2 warnings found \(use docker --debug to expand\):\n\x1b\[0m - A/)
    const full = warningsText([one], { debug: true, color: undefined })
    const excerpt =
      'Dockerfile:1\n--------------------\n   1 | >>> FROM a as b\n   2 |     RUN x\n   3 |     \n--------------------\n'
    assert.equal(full, `\n 1 warning found:\n - A: b (line 1)\nBecause\nMore info: https://x\n${excerpt}\n`)
    assert.equal(warningsText([], { debug: true, color: undefined }), '')
  })

  it('are the same whatever their vertex', () => {
    assert.equal(distinctWarnings([one, { ...one, vertex: 'w' }, { ...one, level: 2 }]).length, 2)
  })
})

describe('sourceExcerpt', () => {
  const data = Buffer.from(['one', 'two', 'three', 'four', 'five', 'six', 'seven'].join('\n'))
  const at = (...spans: [number, number][]): string =>
    sourceExcerpt({
      filename: 'f',
      data,
      ranges: spans.map(([start, end]) => ({
        start: { line: start, character: 0 },
        end: { line: end, character: 0 },
      })),
    })
  const numbers = (text: string): string =>
    [...text.matchAll(/^ +(\d+) \| (>>>)?/gm)].map(m => (m[2] ?? '') + m[1]).join(' ')

  it('shows two lines around one line and one around several', () => {
    assert.equal(numbers(at([4, 4])), '2 3 >>>4 5 6')
    assert.equal(numbers(at([3, 4])), '2 >>>3 >>>4 5')
    assert.equal(numbers(at([1, 1])), '>>>1 2 3')
    assert.equal(numbers(at([7, 7])), '5 6 >>>7')
    assert.equal(numbers(at([2, 0], [6, 6])), '1 >>>2 3 4 5 >>>6 7')
    assert.equal(at([9, 9]) + at() + at([0, 0]), '')
  })

  it('shows the beginning of statements and lines without end', () => {
    const text = 'x'.repeat(50_000)
    const ranges = Array.from({ length: 200_000 }, (_, i) => ({
      start: { line: i + 1, character: 0 },
      end: { line: i + 1, character: 0 },
    }))
    const excerpt = sourceExcerpt({
      filename: 'f',
      data: Buffer.from(`${text}\n`.repeat(3) + '\n'.repeat(300_000)),
      ranges,
    })
    const lines = excerpt.split('\n')
    assert.equal(lines.length, 1006)
    assert.equal(lines[2]?.length, 10_012)
    assert.match(lines.at(-3) ?? '', /^ +\| \.\.\. 199000 lines more$/)
  })
})

describe('colours', () => {
  it('come from BUILDKIT_COLORS unless NO_COLOR is set', () => {
    assert.deepEqual(progressColors({ buildkitColors: 'run=green', noColor: '1' }), noColors)
    const notes: string[] = []
    const buildkitColors = 'run=light-cyan:error=255,20,147:cancel=plaid:x=red:warning:'
    const colors = progressColors({ buildkitColors, noColor: '', warn: line => notes.push(line) })
    assert.deepEqual(colors, { ...defaultColors, run: '\x1b[96m', error: '\x1b[38;5;199m' })
    assert.equal(notes.length, 4)
  })
})

describe('mergeIntervals', () => {
  it('joins what overlaps', () => {
    const pairs = (list: [number, number?][]): [number, number | undefined][] =>
      mergeIntervals(list.map(([start, stop]) => ({ start, stop }))).map(({ start, stop }) => [start, stop])
    assert.deepEqual(pairs([]), [])
    assert.deepEqual(
      pairs([
        [4, 6],
        [0, 2],
        [1, 3],
        [6, 7],
      ]),
      [
        [0, 3],
        [4, 7],
      ],
    )
    assert.deepEqual(
      pairs([
        [0, 5],
        [1, 2],
        [5, 5],
      ]),
      [[0, 5]],
    )
    assert.deepEqual(pairs([[0, 3], [2], [9, 10]]), [[0, undefined]])
    assert.deepEqual(pairs([[0], [1, 2]]), [[0, undefined]])
  })
})

describe('Vt100', () => {
  const show = (text: string | Uint8Array, height = 3, width = 8): string[] => {
    const term = new Vt100(height, width)
    term.write(Buffer.from(text as string))
    return term.lines().map(line => line.trimEnd())
  }

  it('redraws lines, wraps, scrolls and drops colours', () => {
    assert.deepEqual(show('10%\r20%\r\x1b[K30%'), ['30%'])
    assert.deepEqual(show('abcdefghij'), ['abcdefgh', 'ij'])
    assert.deepEqual(show('1\n2\n3\n4\n5'), ['3', '4', '5'])
    assert.deepEqual(show('\x1b[1;32mok\x1b[0m\x1b]0;title\x07!'), ['ok!'])
    assert.deepEqual(show('one\ntwo\x1b[1A\x1b[2Kx'), ['   x', 'two'])
    assert.deepEqual(show('ab\b\bX\x1b[2J'), [])
    assert.deepEqual(show('\x1b[2;3H#\x1b[s\x1b[1;1H@\x1b[ud'), ['@', '  #d'])
    assert.deepEqual(show('\x1b[9;99H#d'), ['       #', 'd'])
  })

  it('puts sequences and characters together that come in pieces', () => {
    const term = new Vt100(2, 10)
    for (const byte of Buffer.from('\x1b[31m\u00e9\u{1f600}\x1b[0m.')) term.write(Uint8Array.of(byte))
    assert.deepEqual(
      term.lines().map(line => line.trimEnd()),
      ['\u00e9\u{1f600}.'],
    )
  })

  it('keeps the upper left part when it shrinks', () => {
    const term = new Vt100(3, 10)
    term.write(Buffer.from('01234567\nabc\ndef'))
    term.resize(2, 2)
    assert.deepEqual(term.lines(), ['012345', 'abc   '])
    assert.equal(term.usedHeight, 2)
  })
})

it('rawjson shows the graph of the file that a warning is about', () => {
  const source = { filename: 'f', data: Buffer.of(), language: 'l', ranges: [] }
  const warning = { vertex: 'v', level: 0, short: '', source, definition: { def: ['AQ=='] } }
  assert.equal(
    rawJson({ warnings: [warning] }),
    '{"warnings":[{"vertex":"v","sourceInfo":{"filename":"f","definition":{"def":["AQ=="]},"language":"l"}}]}',
  )
})
