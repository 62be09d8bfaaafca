/**
 * gRPC metadata may repeat a key, and the number of values means something (patterns with commas in them). A fetch
 * `Headers` would join them with a comma for good. So on our side of the wire repeated values are one string, joined by
 * this control character, and both edges (`WireHeaders`, `headersFromRaw`) translate.
 */
const separator = '\x1f'

/** Sets a key to any number of values; none leaves it out. Values must be ASCII: see `metadata.ts` for others. */
export function setValues(headers: Headers, key: string, values: readonly string[]): void {
  if (values.length > 0) headers.set(key, values.join(separator))
}

/** The values of a key, in order; empty where it is absent. */
export function valuesOf(headers: Headers, key: string): string[] {
  return headers.get(key)?.split(separator) ?? []
}

/** Headers as they go onto the wire: `forEach` names a repeated key once for each value. */
export class WireHeaders extends Headers {
  override readonly forEach: Headers['forEach'] = callback => {
    for (const [key, joined] of this) {
      for (const value of joined.split(separator)) callback(value, key, this)
    }
  }
}

/** Headers from the wire: names and values alternating, as `rawHeaders` of a Node request. Pseudo-headers are left out. */
export function headersFromRaw(raw: readonly string[]): Headers {
  const values = new Map<string, string[]>()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const key = (raw[i] as string).toLowerCase()
    if (key.startsWith(':')) continue
    const list = values.get(key)
    if (list === undefined) values.set(key, [raw[i + 1] as string])
    else list.push(raw[i + 1] as string)
  }
  const headers = new Headers()
  for (const [key, list] of values) setValues(headers, key, list)
  return headers
}
