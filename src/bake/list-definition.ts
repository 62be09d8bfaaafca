import { csvFields } from '../gostd/csv.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../gostd/json.ts'
import { quote } from '../gostd/quote.ts'
import { tabTable } from './tab-table.ts'
import { compareText } from '../hcl/value/compare-text.ts'
import type { Definition, Group, Target, Variable } from './target.ts'

/** What `--list` asks for. */
export interface ListRequest {
  readonly type: 'targets' | 'variables'
  readonly format: 'table' | 'json'
}

/** Reads the value of `--list`: `targets`, `variables`, or `type=…,format=table|json`. Throws `invalid-argument`. */
export function parseListRequest(text: string): ListRequest {
  const fields = csvFields(text)
  let type = ''
  let format = ''
  if (fields.length === 1 && fields[0] === text && !text.startsWith('type=')) type = text
  else {
    for (const field of fields) {
      const at = field.indexOf('=')
      if (at < 0) throw invalid(`invalid value ${field}`)
      const key = field.slice(0, at).toLowerCase().trim()
      if (key === 'type') type = field.slice(at + 1)
      else if (key === 'format') format = field.slice(at + 1)
      else throw invalid(`unexpected key '${key}' in '${field}'`)
    }
  }
  if (type !== 'targets' && type !== 'variables') throw invalid(`invalid list type ${quote(type)}`)
  if (format !== '' && format !== 'table' && format !== 'json')
    throw invalid(`invalid list format ${quote(format)}`)
  return { type, format: format === '' ? 'table' : format }
}

/** The text that `--list` prints. */
export function listDefinition(definition: Definition, { type, format }: ListRequest): string {
  return type === 'targets' ? listTargets(definition, format) : listVariables(definition.variables, format)
}

function listTargets({ groups, targets }: Definition, format: 'table' | 'json'): string {
  const entries = [...targets.map(t => targetEntry(t)), ...groups.map(g => groupEntry(g))]
    .filter(e => !e.name.startsWith('_'))
    .sort((a, b) => compareText(a.name, b.name))
  if (format === 'table')
    return table(
      ['TARGET', 'DESCRIPTION'],
      entries.map(e => [e.name, e.description]),
    )
  return json(
    entries.map(e => ({
      name: e.name,
      description: orNothing(e.description),
      group: e.group ? true : undefined,
    })),
  )
}

interface Entry {
  readonly name: string
  readonly description: string
  readonly group: boolean
}

function targetEntry(t: Target): Entry {
  return { name: t.name, description: t.description ?? '', group: false }
}

function groupEntry(g: Group): Entry {
  const members = [...g.targets].sort(compareText).join(', ')
  const description =
    members === '' ? g.description : g.description === '' ? members : `${g.description} (${members})`
  return { name: g.name, description, group: true }
}

function listVariables(variables: readonly Variable[] | undefined, format: 'table' | 'json'): string {
  const sorted = [...(variables ?? [])].sort((a, b) => compareText(a.name, b.name))
  if (format === 'table') {
    return table(
      ['VARIABLE', 'TYPE', 'VALUE', 'DESCRIPTION'],
      sorted.map(v => [v.name, v.type ?? '', v.value ?? '<null>', v.description]),
    )
  }
  if (variables?.length === 0) return '[]\n'
  return json(
    sorted.map(v => ({ name: v.name, description: orNothing(v.description), type: v.type, value: v.value })),
  )
}

function orNothing(text: string): string | undefined {
  return text === '' ? undefined : text
}

function json(entries: readonly JsonValue[]): string {
  return `${entries.length === 0 ? 'null' : goJson(entries, { indent: '  ' })}\n`
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const text = [header, ...rows].map(cells => `${cells.join('\t')}\n`).join('')
  return tabTable(text)
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
