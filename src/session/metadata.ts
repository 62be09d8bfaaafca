import { setValues, valuesOf } from './transport/header-values.ts'

/**
 * Values of a transfer's options as metadata. Metadata is ASCII: where a value is not, all values of the key are
 * percent-encoded and `<key>-encoded: 1` says so. Source: buildkit v0.32.2 session/filesync/filesync.go (encodeOpts)
 */
export function setEncodedValues(headers: Headers, key: string, values: readonly string[]): void {
  const plain = values.every(value => /^[\x20-\x7e]*$/.test(value) && value === value.trim())
  setValues(headers, key, plain ? values : values.map(queryEscape))
  if (!plain) headers.set(`${key}-encoded`, '1')
}

/** The reverse of `setEncodedValues`. */
export function encodedValuesOf(headers: Headers, key: string): string[] {
  const values = valuesOf(headers, key)
  const encoded = /^(1|t|true)$/i.test(headers.get(`${key}-encoded`) ?? '')
  return encoded ? values.map(queryUnescape) : values
}

/** Go's `url.QueryEscape`. */
function queryEscape(text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed())
  return escaped
    .replace(/%20/g, '+')
    .replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Go's `url.QueryUnescape`; text that is not escaped properly becomes empty, as upstream has it. */
function queryUnescape(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return ''
  }
}
