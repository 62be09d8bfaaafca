import { quote } from '../../gostd/quote.ts'
import { compareText } from '../../hcl/value/compare-text.ts'
import { floatFromNumber } from '../../hcl/value/big-float.ts'
import { formatFloat } from '../../hcl/value/format-float.ts'

/** A YAML document: mappings with text keys, whole numbers as bigints, others as numbers. */
export type YamlValue = null | boolean | bigint | number | string | readonly YamlValue[] | YamlMap

/** A YAML mapping in the order it was written. */
export type YamlMap = ReadonlyMap<string, YamlValue>

/** Tells whether a value is a mapping. */
export function isYamlMap(value: YamlValue | undefined): value is YamlMap {
  return value instanceof Map
}

/** Tells whether a value is a sequence. */
export function isYamlList(value: YamlValue | undefined): value is readonly YamlValue[] {
  return Array.isArray(value)
}

/** A scalar as text, as Go prints it; nothing for null. */
export function scalarText(value: YamlValue): string {
  if (value === null) return ''
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'object') return '[object]'
  return String(value)
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return formatFloat(floatFromNumber(value), 'g', -1)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

/** A value as Go's `fmt.Sprint` writes it. */
export function goPrint(value: YamlValue): string {
  if (value === null) return '<nil>'
  if (isYamlList(value)) return `[${value.map(goPrint).join(' ')}]`
  if (!isYamlMap(value)) return scalarText(value)
  const sorted = [...value].sort(([a], [b]) => compareText(a, b))
  return `map[${sorted.map(([k, v]) => `${k}:${goPrint(v)}`).join(' ')}]`
}

/** The Go type that a value is decoded to, as `%T` prints it. */
export function goTypeName(value: YamlValue): string {
  if (value === null) return '<nil>'
  if (isYamlMap(value)) return 'map[string]interface {}'
  if (isYamlList(value)) return '[]interface {}'
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'float64'
    default:
      return 'string'
  }
}

/** A boolean, given as one or as text; undefined for a text that is none. Words of older YAML are warned of. */
export function yamlFlag(value: YamlValue, warn?: (line: string) => void): boolean | undefined {
  if (typeof value !== 'string') return value === true
  const word = value.toLowerCase()
  if (word === 'true' || word === 'false') return word === 'true'
  const flag = ['y', 'yes', 'on'].includes(word)
  if (!flag && !['n', 'no', 'off'].includes(word)) return undefined
  warn?.(`${quote(value)} for boolean is not supported by YAML 1.2, please use \`${flag}\``)
  return flag
}
