import { isDate } from 'node:util/types'
import { SlipwayError } from '../errors/slipway-error.ts'

/**
 * A document as go-toml writes a map: keys in order, first those with plain values, then tables; texts in single quotes
 * where that is possible. Instance files then hold the bytes that buildx puts there.
 * Source: https://github.com/pelletier/go-toml/blob/v2.3.1/marshaler.go
 */
export function formatToml(document: Readonly<Record<string, unknown>>): string {
  const lines: string[] = []
  writeTable(lines, document, [])
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

type Table = Readonly<Record<string, unknown>>

function writeTable(lines: string[], table: Table, path: readonly string[]): void {
  const entries = Object.entries(table).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const isDeep = (value: unknown): boolean => isTable(value) || isTableList(value)
  for (const [key, value] of entries) if (!isDeep(value)) lines.push(`${keyText(key)} = ${valueText(value)}`)
  for (const [key, value] of entries.filter(entry => isDeep(entry[1]))) {
    const below = [...path, keyText(key)]
    const name = below.join('.')
    for (const one of isTable(value) ? [value] : (value as readonly Table[])) {
      // A table that directly follows the head of the one around it stands without a blank line.
      const last = lines.at(-1)
      if (last !== undefined && !(last.startsWith('[') && last.endsWith(']') && !last.includes(' = ')))
        lines.push('')
      lines.push(isTable(value) ? `[${name}]` : `[[${name}]]`)
      writeTable(lines, one, below)
    }
  }
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isDate(value)
}

const isTableList = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(isTable)

const keyText = (key: string): string => (/^[A-Za-z0-9_-]+$/.test(key) ? key : textOf(key))

function valueText(value: unknown): string {
  if (typeof value === 'string') return textOf(value)
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : floatText(value)
  if (isDate(value)) return value.toISOString()
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`
  if (isTable(value)) {
    const pairs = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return `{${pairs.map(([key, inner]) => `${keyText(key)} = ${valueText(inner)}`).join(', ')}}`
  }
  throw new SlipwayError('invalid-argument', `a configuration cannot hold ${String(value)}`)
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  return Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf'
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

function textOf(text: string): string {
  // oxlint-disable-next-line no-control-regex -- those are the characters that a literal text may not hold
  if (!/['\u0000-\u0008\u000a-\u001f\u007f]/.test(text)) return `'${text}'`
  // oxlint-disable-next-line no-control-regex
  const escaped = text.replaceAll(/["\\\u0000-\u001f\u007f]/g, char => {
    return escapes[char] ?? `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
  })
  return `"${escaped}"`
}
