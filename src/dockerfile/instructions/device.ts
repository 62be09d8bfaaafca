import { wrapError } from '../../errors/slipway-error.ts'
import { csvFields } from '../../gostd/csv.ts'
import { tryParseBool } from '../../gostd/parse-number.ts'
import { withSuggestion } from '../suggest.ts'
import { invalid } from './argument-error.ts'

/** A CDI device that RUN asks for. */
export interface Device {
  /** `vendor/class=name`, or a class. */
  readonly name: string
  readonly required: boolean
}

/** Reads the value of `RUN --device`. Throws `invalid-argument`. */
export function parseDevice(text: string): Device {
  let name = ''
  let required = false
  for (const field of fieldsOf(text, 'devices')) {
    const at = field.indexOf('=')
    const key = (at < 0 ? field : field.slice(0, at)).toLowerCase()
    const value = field.slice(at + 1)
    if (at < 0) {
      if (key === 'required') required = true
      else if (name === '') name = field
      else throw invalid(`invalid field '${field}' must be a key=value pair`)
    } else if (key === 'name') {
      if (name !== '') throw invalid(`device name already set to ${name}`)
      name = value
    } else if (key === 'required') {
      const flag = tryParseBool(value)
      if (flag === undefined) throw invalid(`invalid value for ${key}: ${value}`)
      required = flag
    } else if (name === '') name = field
    else throw withSuggestion(invalid(`unexpected key '${key}' in '${field}'`), key, ['name', 'required'])
  }
  return { name, required }
}

/** The comma-separated fields of a flag; `what` names them in the error. */
export function fieldsOf(text: string, what: string): string[] {
  try {
    return csvFields(text)
  } catch (error) {
    throw wrapError(`failed to parse csv ${what}`, error)
  }
}
