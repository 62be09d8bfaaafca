import { parseSelectors, type Selector } from './filter-expression.ts'
import type { UsageRecord } from './usage-record.ts'

/** Tells whether a record is meant. */
export type RecordFilter = (record: UsageRecord) => boolean

/**
 * A filter from expressions, any of which may match; none match everything. All parts of an expression must match. Throws as
 * `parseSelectors`.
 */
export function parseRecordFilter(expressions: readonly string[]): RecordFilter {
  return parseFilter(expressions, fieldOf)
}

/** A field of a record: its text, and whether `field` alone matches; undefined for fields that it does not have. */
export type FieldOf<Record> = (
  record: Record,
  field: string,
) => { readonly text: string; readonly present: boolean } | undefined

/** The same language over records of any kind. Throws as `parseSelectors`. */
export function parseFilter<Record>(
  expressions: readonly string[],
  fieldOf: FieldOf<Record>,
): (record: Record) => boolean {
  if (expressions.length === 0) return () => true
  const filters = expressions.map(text => parseExpression(text, fieldOf))
  return record => filters.some(filter => filter(record))
}

function parseExpression<Record>(text: string, fieldOf: FieldOf<Record>): (record: Record) => boolean {
  if (text === '') return () => true
  const tests = parseSelectors(text).map(({ path, operator, value }) =>
    test((record: Record) => fieldOf(record, path[0] ?? ''), operator, value),
  )
  return record => tests.every(one => one(record))
}

function test<Record>(
  find: (record: Record) => ReturnType<FieldOf<Record>>,
  operator: Selector['operator'],
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
        return found !== undefined && pattern?.test(found.text) === true
      }
    }
    case 'present':
      return record => find(record)?.present ?? false
    default:
      return operator satisfies never
  }
}

/** A pattern that is none matches nothing. */
function compile(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    return undefined
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
