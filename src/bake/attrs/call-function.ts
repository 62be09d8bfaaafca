import { csvFields } from '../../gostd/csv.ts'
import { wrapError } from '../../errors/slipway-error.ts'
import { parseBool } from '../../gostd/parse-number.ts'
import { invalid } from './attribute-csv.ts'

/** A request to the frontend other than to build (`--call`). */
export interface CallFunction {
  readonly name: string
  readonly format: string
  readonly ignoreStatus: boolean
}

/** Reads `name,format=…,ignorestatus=…`; `undefined` for `build` and for nothing, and `check` means `lint`. */
export function parseCallFunction(text: string): CallFunction | undefined {
  if (text === '') return undefined
  let name = ''
  let format = ''
  let ignoreStatus = false
  for (const field of csvFields(text)) {
    const at = field.indexOf('=')
    const key = field.slice(0, Math.max(at, 0))
    const value = field.slice(at + 1)
    if (at < 0) {
      if (name !== '') throw invalid(`invalid print value: ${text}`)
      name = field
    } else if (key === 'format') format = value
    else if (key === 'ignorestatus') ignoreStatus = readStatus(value)
    else throw invalid(`invalid print field: ${field}`)
  }
  if (name === 'build') return undefined
  return { name: name === 'check' ? 'lint' : name, format, ignoreStatus }
}

function readStatus(value: string): boolean {
  try {
    return parseBool(value)
  } catch (e) {
    throw wrapError(`invalid ignorestatus print value: ${value}`, e)
  }
}
