import { csvFields } from '../../gostd/csv.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { parseBool, parseFloat64 } from '../../gostd/parse-number.ts'
import { convertJsonDocument } from '../../hcl/json/json-document.ts'
import { floatFromNumber } from '../../hcl/value/big-float.ts'
import { typedValue } from '../../hcl/value/json-value.ts'
import { setValue } from '../../hcl/value/set-value.ts'
import { isPrimitive, type Type } from '../../hcl/value/type.ts'
import { typeName } from '../../hcl/value/type-name.ts'
import {
  boolValue,
  listValue,
  mapValue,
  numberValue,
  stringValue,
  tupleValue,
  type Value,
} from '../../hcl/value/value.ts'

/** A value given for a variable outside the files. */
export interface Override {
  readonly text: string
  /** Given as `NAME_JSON`. */
  readonly json: boolean
}

/** Says how variables may be overridden: `defined` tells whether a name is a variable itself. */
export interface OverrideLookup {
  readonly lookup: (name: string) => string | undefined
  readonly defined: (name: string) => boolean
}

/** The override of a variable: `NAME`, or `NAME_JSON` where that is preferred or the only one. */
export function findOverride(
  name: string,
  preferJson: boolean,
  { lookup, defined }: OverrideLookup,
): Override | undefined {
  const text = lookup(name)
  if ((text === undefined || preferJson) && !defined(`${name}_JSON`)) {
    const json = lookup(`${name}_JSON`)
    if (json !== undefined) return { text: json, json: true }
  }
  return text === undefined ? undefined : { text, json: false }
}

/** The override as a value of the type that the variable declares. */
export function typedOverride(name: string, override: Override, type: Type): Value {
  if (override.json) {
    try {
      return convertJsonDocument(override.text, node => typedValue(node, type))
    } catch (e) {
      throw wrapError(`failed to convert variable ${name} from JSON`, e)
    }
  }
  if (type.kind === 'list' || type.kind === 'set' || type.kind === 'tuple' || type.kind === 'map') {
    try {
      return valueFromCsv(name, override.text, type)
    } catch (e) {
      throw wrapError(`failed to convert variable ${name} from CSV`, e)
    }
  }
  if (isPrimitive(type)) return primitiveFromText(name, override.text, type)
  throw invalid(`unsupported type ${typeName(type)} for variable ${name}`)
}

/** A text as a string, number or bool. */
export function primitiveFromText(name: string, text: string, type: Type): Value {
  switch (type.kind) {
    case 'string':
      return stringValue(text)
    case 'bool':
      return boolValue(attempt(`failed to parse ${name} as bool`, () => parseBool(text)))
    case 'number': {
      const failed = `failed to parse ${name} as number`
      const n = attempt(failed, () => parseFloat64(text))
      if (!Number.isFinite(n)) throw invalid(`${failed}: invalid number value`)
      return numberValue(floatFromNumber(n))
    }
    default:
      throw invalid(`${name} of type ${typeName(type)} is not a primitive`)
  }
}

function attempt<T>(context: string, body: () => T): T {
  try {
    return body()
  } catch (e) {
    throw wrapError(context, e)
  }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}

type CsvType = Type & { kind: 'list' | 'set' | 'tuple' | 'map' }

function valueFromCsv(name: string, text: string, type: CsvType): Value {
  const fields = attempt(`failed to parse ${text} as CSV`, () => csvFields(text))
  const unsupported = (): SlipwayError => invalid(`unsupported type ${typeName(type)} for CSV specification`)
  const element = (field: string, t: Type, word = 'of'): Value =>
    attempt(`failed to parse element ${word} type ${typeName(type)}`, () => primitiveFromText(name, field, t))
  if (type.kind === 'tuple') {
    if (type.elements.length !== fields.length) {
      throw invalid(
        `${typeName(type)} expects ${type.elements.length} elements but only ${fields.length} provided`,
      )
    }
    return tupleValue(
      type.elements.map((t, i) => {
        if (!isPrimitive(t)) throw unsupported()
        return element(fields[i] as string, t)
      }),
    )
  }
  if (!isPrimitive(type.element)) throw unsupported()
  if (type.kind === 'list')
    return listValue(
      fields.map(f => element(f, type.element)),
      type.element,
    )
  if (type.kind === 'set')
    return setValue(
      fields.map(f => element(f, type.element)),
      type.element,
    )
  const entries = new Map<string, Value>()
  for (const field of fields) {
    const pair = attempt(`failed to parse ${field} as k/v for variable ${name}`, () => colonFields(field))
    if (pair.length !== 2) throw invalid(`expected one k/v pair but got ${pair.length} pieces from ${field}`)
    entries.set(pair[0] as string, element(pair[1] as string, type.element, 'from'))
  }
  return mapValue(entries, type.element)
}

/** Fields separated by colons, with the quoting rules of comma-separated ones. */
function colonFields(text: string): string[] {
  const swapped = text.replace(/[,:]/g, c => (c === ',' ? ':' : ','))
  return csvFields(swapped).map(f => f.replace(/[,:]/g, c => (c === ',' ? ':' : ',')))
}
