import { parseFilter } from '../../content/record-filter.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { csvFields } from '../../gostd/csv.ts'
import { parseDuration, toMilliseconds } from '../../gostd/duration.ts'
import { parseRfc3339 } from '../../gostd/time.ts'
import { parseGitUrl } from '../../llb/git-url.ts'
import type { BuildHistoryRecord } from '../../proto/gen/control_pb.ts'

/** Tells whether a record is meant. */
export type HistoryFilter = (record: BuildHistoryRecord) => boolean

/**
 * A filter from expressions, any of which may match: `ref`, `status`, `repository` in containerd's language, and
 * `startedAt`, `completedAt`, `duration` compared with `>=`, `<=`, `>`, `<`. Throws `unknown`, as BuildKit does. Source:
 * https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/history/filter.go
 */
export function parseHistoryFilter(expressions: readonly string[], nowMs: number): HistoryFilter {
  if (expressions.length === 0) return () => true
  const filters = expressions.map(text => parseExpression(text, nowMs))
  return record => filters.some(filter => filter(record))
}

function parseExpression(text: string, nowMs: number): HistoryFilter {
  const tests: HistoryFilter[] = []
  const others: string[] = []
  for (const field of csvFields(text)) {
    const test = timeTest(field, nowMs)
    if (test === undefined) others.push(field)
    else tests.push(test)
  }
  if (others.length > 0) tests.push(parseFilter([others.join(',')], fieldOf))
  return record => tests.every(test => test(record))
}

function timeTest(field: string, nowMs: number): HistoryFilter | undefined {
  const match = /^(startedAt|completedAt|duration)(>=|<=|>|<)(.*)$/s.exec(field)
  if (match === null) return undefined
  const [, key = '', operator = '', value = ''] = match
  const limit = key === 'duration' ? duration(value) : moment(value, nowMs)
  return record => {
    const found = timeOf(record, key)
    if (operator === '>=') return found >= limit
    if (operator === '<=') return found <= limit
    return operator === '>' ? found > limit : found < limit
  }
}

function duration(text: string): number {
  const ms = tryDuration(text)
  if (ms === undefined) throw new SlipwayError('unknown', `invalid duration ${text}`)
  return ms
}

/** A moment to the second: so long ago, or RFC 3339. */
function moment(text: string, nowMs: number): number {
  const ago = tryDuration(text)
  if (ago !== undefined) return Math.floor((nowMs - ago) / 1000)
  try {
    return Math.floor(parseRfc3339(text) / 1000)
  } catch (cause) {
    throw new SlipwayError('unknown', `invalid time ${text}`, { cause })
  }
}

function tryDuration(text: string): number | undefined {
  try {
    return toMilliseconds(parseDuration(text))
  } catch {
    return undefined
  }
}

function timeOf({ CreatedAt, CompletedAt }: BuildHistoryRecord, key: string): number {
  const seconds = (at: typeof CreatedAt): number => Number(at?.seconds ?? 0)
  if (key === 'startedAt') return seconds(CreatedAt)
  if (key === 'completedAt') return seconds(CompletedAt)
  if (CompletedAt === undefined) return 0
  return (
    (seconds(CompletedAt) - seconds(CreatedAt)) * 1000 + (CompletedAt.nanos - (CreatedAt?.nanos ?? 0)) / 1e6
  )
}

function fieldOf(record: BuildHistoryRecord, field: string): { text: string; present: boolean } | undefined {
  const text = textOf(record, field)
  return text === undefined ? undefined : { text, present: true }
}

function textOf(record: BuildHistoryRecord, field: string): string | undefined {
  switch (field) {
    case 'ref':
      return record.Ref || undefined
    case 'status':
      return statusOf(record)
    case 'repository':
      return repositoryOf(record)
    default:
      return undefined
  }
}

function statusOf(record: BuildHistoryRecord): string {
  if (record.CompletedAt === undefined) return 'running'
  if (record.error === undefined) return 'completed'
  return record.error.message.includes('context canceled') ? 'canceled' : 'error'
}

function repositoryOf({ FrontendAttrs }: BuildHistoryRecord): string | undefined {
  const source = FrontendAttrs['vcs:source']
  if (source !== undefined) return source
  const url = parseGitUrl(FrontendAttrs['context'] ?? '')
  return typeof url === 'string' ? undefined : url.remote
}
