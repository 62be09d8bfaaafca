import { quote } from '../../gostd/quote.ts'
import { FunctionError } from '../function.ts'

/** A table with its first row as names of the columns. */
export interface CsvTable {
  readonly headers: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Reads comma-separated values with Go's quoting rules; every row has as many fields as the first. */
export function parseCsvTable(source: string): CsvTable {
  const records = parseRecords(source)
  const first = records.next()
  if (first.done === true) throw new FunctionError('missing header line')
  const headers = first.value.fields
  const seen = new Set<string>()
  for (const name of headers) {
    if (seen.has(name)) throw new FunctionError(`duplicate column name ${quote(name)}`)
    seen.add(name)
  }
  const rows: string[][] = []
  for (const { fields, line } of records) {
    if (fields.length !== headers.length) throw parseError(line, 'wrong number of fields')
    rows.push(fields)
  }
  return { headers, rows }
}

function parseError(line: number, why: string): FunctionError {
  return new FunctionError(`CSV parse error on line ${line}: ${why}`)
}

function* parseRecords(source: string): Generator<{ readonly fields: string[]; readonly line: number }> {
  let at = 0
  let line = 1
  while (at < source.length) {
    const blank = /^\r?\n/.exec(source.slice(at, at + 2))
    if (blank !== null) {
      at += blank[0].length
      line++
      continue
    }
    const start = line
    const fields: string[] = []
    for (let more = true; more; ) {
      if (source[at] === '"') {
        const quoted = /"((?:[^"]|"")*)"(?=,|\r?\n|$)/y
        quoted.lastIndex = at
        const match = quoted.exec(source)
        if (match === null) throw parseError(line, 'extraneous or missing " in quoted-field')
        fields.push((match[1] as string).replaceAll('""', '"').replaceAll('\r\n', '\n'))
        line += (match[1] as string).split('\n').length - 1
        at += match[0].length
      } else {
        const bare = /[^,\n]*/y
        bare.lastIndex = at
        const field = bare.exec(source)?.[0] ?? ''
        if (field.includes('"')) throw parseError(line, 'bare " in non-quoted-field')
        fields.push(source[at + field.length] === '\n' ? field.replace(/\r$/, '') : field)
        at += field.length
      }
      more = source[at] === ','
      if (more) at++
    }
    at += /^\r?\n/.exec(source.slice(at, at + 2))?.[0].length ?? 0
    line++
    yield { fields, line: start }
  }
}
