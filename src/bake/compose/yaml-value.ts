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
  if (typeof value === 'number')
    return Number.isFinite(value) ? formatFloat(floatFromNumber(value), 'g', -1) : String(value)
  if (typeof value === 'object') return '[object]'
  return String(value)
}
