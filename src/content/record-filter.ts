import { SlipwayError } from '../errors/slipway-error.ts'
import type { UsageRecord } from './usage-record.ts'

/** Tells whether a record is meant. */
export type RecordFilter = (record: UsageRecord) => boolean

/**
 * A filter from expressions, any of which may match; none match everything. An expression is a list of `field`,
 * `field==value`, `field!=value` and `field~=pattern` joined by commas, all of which must match; values may be quoted as
 * in Go. Throws `invalid-argument`. Source: https://github.com/containerd/containerd/blob/v2.1.0/pkg/filters/parser.go
 */
export function parseRecordFilter(expressions: readonly string[]): RecordFilter {
  return parseFilter(expressions, fieldOf)
}

/** A field of a record: its text, and whether `field` alone matches; undefined for fields that it does not have. */
export type FieldOf<Record> = (
  record: Record,
  field: string,
) => { readonly text: string; readonly present: boolean } | undefined

/** The same language over records of any kind. Throws `invalid-argument`. */
export function parseFilter<Record>(
  expressions: readonly string[],
  fieldOf: FieldOf<Record>,
): (record: Record) => boolean {
  if (expressions.length === 0) return () => true
  const filters = expressions.map(text => parseExpression(text, fieldOf))
  return record => filters.some(filter => filter(record))
}

const selector = /([A-Za-z][A-Za-z0-9_]*)(?:(==|!=|~=)("(?:[^"\\]|\\.)*"|[^\s,]+))?(,|$)/y

function parseExpression<Record>(text: string, fieldOf: FieldOf<Record>): (record: Record) => boolean {
  const tests: ((record: Record) => boolean)[] = []
  selector.lastIndex = 0
  while (selector.lastIndex < text.length) {
    const at = selector.lastIndex
    const match = selector.exec(text)
    if (match === null) {
      throw new SlipwayError(
        'invalid-argument',
        `filters: parse error: [${text.slice(0, at)} >|${text.slice(at)}|< ]: unexpected input`,
      )
    }
    const [, field = '', operator, value = '', end] = match
    if (end === ',' && selector.lastIndex === text.length) {
      throw new SlipwayError(
        'invalid-argument',
        `filters: parse error: [${text} >||< ]: expected field or quoted`,
      )
    }
    tests.push(test(record => fieldOf(record, field), operator, unquote(value)))
  }
  return record => tests.every(one => one(record))
}

function test<Record>(
  find: (record: Record) => ReturnType<FieldOf<Record>>,
  operator: string | undefined,
  value: string,
): (record: Record) => boolean {
  switch (operator) {
    case '==':
      return record => find(record)?.text === value
    case '!=':
      return record => find(record)?.text !== value
    case '~=': {
      const pattern = compile(value)
      return record => {
        const found = find(record)
        return found !== undefined && pattern.test(found.text)
      }
    }
    default:
      return record => find(record)?.present ?? false
  }
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch (cause) {
    throw new SlipwayError('invalid-argument', `filters: error parsing regexp ${JSON.stringify(pattern)}`, {
      cause,
    })
  }
}

function unquote(value: string): string {
  if (!value.startsWith('"')) return value
  try {
    return String(JSON.parse(value))
  } catch (cause) {
    throw new SlipwayError('invalid-argument', `filters: invalid quoted value ${value}`, { cause })
  }
}

/** Source: https://github.com/moby/buildkit/blob/v0.32.2/cache/manager.go, adaptUsageInfo */
function fieldOf(
  record: UsageRecord,
  field: string,
): { readonly text: string; readonly present: boolean } | undefined {
  const of = (text: string): { text: string; present: boolean } => ({ text, present: text !== '' })
  const flag = (present: boolean): { text: string; present: boolean } => ({ text: '', present })
  switch (field) {
    case 'id':
      return of(record.id)
    case 'parents':
      return of(record.parents.join(';'))
    case 'description':
      return of(record.description)
    case 'type':
      return of(record.type)
    case 'inuse':
      return flag(record.inUse)
    case 'mutable':
      return flag(record.mutable)
    case 'immutable':
      return flag(!record.mutable)
    case 'shared':
      return flag(record.shared)
    case 'private':
      return flag(!record.shared)
    default:
      return undefined
  }
}
