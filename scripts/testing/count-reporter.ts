import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { inspect } from 'node:util'

/** What a group of tests came to. `reasons` maps why something was skipped to how often. */
export interface Tally {
  passed: number
  failed: number
  skipped: number
  reasons: Record<string, number>
}

interface TestEvent {
  readonly type: string
  readonly data: {
    readonly name: string
    readonly nesting: number
    readonly file?: string
    readonly line?: number
    readonly skip?: string | boolean
    readonly todo?: string | boolean
    readonly details?: { readonly type?: string; readonly error?: unknown; readonly duration_ms?: number }
    readonly message?: string
  }
}

/**
 * Reporter for `node --test`: prints only what went wrong, and writes a `Tally` as JSON to the file that the
 * environment variable SLIPWAY_TEST_TALLY names.
 *
 * A suite is not a test, except one that was skipped whole (its tests never show up) or whose hook failed. A test that
 * failed only because a test inside it did is counted, but not printed again.
 */
export default async function* countReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0, reasons: {} }
  const path: string[] = []
  for await (const { type, data } of source) {
    if (type === 'test:start') path.splice(data.nesting, path.length, data.name)
    if (type === 'test:stdout' || type === 'test:stderr') yield data.message ?? ''
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const isSuite = data.details?.type === 'suite'
    const skip = data.skip || data.todo
    if (skip !== undefined && skip !== false) {
      const reason = typeof skip === 'string' && skip !== '' ? skip : 'no reason given'
      tally.skipped++
      tally.reasons[reason] = (tally.reasons[reason] ?? 0) + 1
    } else if (type === 'test:pass') {
      if (!isSuite) tally.passed++
    } else {
      const failure = failureType(data.details?.error)
      if (!isSuite || failure === 'hookFailed') tally.failed++
      if (failure !== 'subtestsFailed') yield describeFailure(data, path)
    }
    save(tally)
  }
}

/** After every event, so that a run that is killed has counted what it did. */
function save(tally: Tally): void {
  const file = process.env['SLIPWAY_TEST_TALLY']
  if (file !== undefined) writeFileSync(file, JSON.stringify(tally))
}

function failureType(error: unknown): string | undefined {
  return (error as { failureType?: string } | undefined)?.failureType
}

function describeFailure(data: TestEvent['data'], path: readonly string[]): string {
  const at = data.file === undefined ? '' : `  (${relative(process.cwd(), data.file)}:${data.line ?? 0})`
  const error = data.details?.error
  const cause = (error as { cause?: unknown } | undefined)?.cause ?? error
  const text = inspect(cause, { colors: process.stdout.isTTY === true }).replaceAll('\n', '\n    ')
  return `\n  FAILED ${[...path.slice(0, data.nesting), data.name].join(' > ')}${at}\n    ${text}\n`
}
