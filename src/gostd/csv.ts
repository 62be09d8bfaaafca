import { SlipwayError } from '../errors/slipway-error.ts'

/**
 * The fields of one comma-separated line with Go's quoting rules (no lazy quotes), as go-csvvalue reads flag values:
 * a newline at the very end is dropped, others belong to their field. Throws `invalid-argument`: `EOF` for an empty
 * text, `parse error on line 1, column 3: bare " in non-quoted-field` and the like (columns count bytes from 1).
 */
export function csvFields(text: string): string[] {
  return parse(text.replace(/\r?\n$/, ''), 'after-quote')
}

/** The same with lazy quotes: one that stands where none may is a character like any other. */
export function lazyCsvFields(text: string): string[] {
  return parse(text.replace(/\r?\n$/, ''), 'nowhere')
}

/** The first record of a text, as Go's encoding/csv `Reader.Read`: it ends at the first newline outside quotes. */
export function csvRecord(text: string): string[] {
  const body = text.replace(/^(?:\r?\n)+/, '')
  let quoted = false
  for (let at = 0; at < body.length; at++) {
    if (body[at] === '"') quoted = !quoted
    if (body[at] === '\n' && !quoted) return parse(body.slice(0, at).replace(/\r$/, ''), 'at-end')
  }
  return parse(body, 'at-end')
}

/** One line with the fields quoted where Go's csv.Writer quotes them, without a newline. */
export function csvLine(fields: readonly string[]): string {
  return fields.map(quoteField).join(',')
}

/** Where a quote that is never closed is reported: behind the last quote read, at the end of the line, or not at all. */
type OpenQuoteAt = 'after-quote' | 'at-end' | 'nowhere'

function parse(line: string, openQuoteAt: OpenQuoteAt): string[] {
  if (line === '') throw new SlipwayError('invalid-argument', 'EOF')
  const fields: string[] = []
  let at = 0
  for (;;) {
    const end =
      line[at] === '"'
        ? quotedField(line, at, fields, openQuoteAt)
        : plainField(line, at, fields, openQuoteAt)
    if (end >= line.length) return fields
    at = end + 1
  }
}

/** Adds the field that starts at `from`; answers the place of the comma behind it, or the length of the line. */
function plainField(line: string, from: number, fields: string[], openQuoteAt: OpenQuoteAt): number {
  const comma = line.indexOf(',', from)
  const end = comma < 0 ? line.length : comma
  const field = line.slice(from, end)
  const bare = openQuoteAt === 'nowhere' ? -1 : field.indexOf('"')
  if (bare >= 0) throw parseError(line, from + bare, 'bare " in non-quoted-field')
  fields.push(field)
  return end
}

function quotedField(line: string, from: number, fields: string[], openQuoteAt: OpenQuoteAt): number {
  const wrong = 'extraneous or missing " in quoted-field'
  let field = ''
  let at = from + 1
  for (;;) {
    const mark = line.indexOf('"', at)
    if (mark < 0 && openQuoteAt === 'nowhere') {
      fields.push(field + line.slice(at))
      return line.length
    }
    if (mark < 0) throw parseError(line, openQuoteAt === 'at-end' ? line.length : at, wrong)
    field += line.slice(at, mark)
    const next = line[mark + 1]
    if (next === undefined || next === ',') {
      fields.push(field)
      return mark + 1
    }
    if (next !== '"' && openQuoteAt !== 'nowhere') throw parseError(line, mark, wrong)
    field += '"'
    at = mark + (next === '"' ? 2 : 1)
  }
}

function parseError(line: string, at: number, problem: string): SlipwayError {
  const column = Buffer.byteLength(line.slice(0, at)) + 1
  return new SlipwayError('invalid-argument', `parse error on line 1, column ${column}: ${problem}`)
}

function quoteField(field: string): string {
  const plain = field === '' || (field !== '\\.' && !/[,"\r\n]/.test(field) && !/^\s/u.test(field))
  return plain ? field : `"${field.replaceAll('"', '""')}"`
}
