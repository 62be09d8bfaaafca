import { SlipwayError } from '../errors/slipway-error.ts'

/** A JSON object of unknown origin. Only own members count. */
export type JsonObject = { readonly [key: string]: unknown }

const maxDepth = 10_000

/**
 * Parses JSON from outside. Bytes that are not UTF-8 read as U+FFFD, as Go does it; nesting deeper than `depth` (10000
 * is Go's own limit) and everything that is not JSON throw `invalid-argument`. `what` names the thing in messages.
 */
export function parseJson(bytes: Uint8Array, what: string, depth: number = maxDepth): unknown {
  if (deeperThan(bytes, depth)) {
    throw new SlipwayError('invalid-argument', `failed to parse ${what}: exceeded max depth`)
  }
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  try {
    return JSON.parse(text)
  } catch (cause) {
    const start = text.slice(0, 32).trimStart()
    const hint = start.startsWith('<') ? 'the answer looks like a web page, not like JSON' : undefined
    throw new SlipwayError('invalid-argument', `failed to parse ${what}: invalid JSON`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

/** Whether brackets outside strings nest deeper than `limit`; JSON.parse itself would be content with any depth. */
function deeperThan(bytes: Uint8Array, limit: number): boolean {
  if (bytes.length <= limit) return false
  let depth = 0
  let inString = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === 0x22) inString = !inString
    else if (inString) i += byte === 0x5c ? 1 : 0
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > limit) return true
    } else if (byte === 0x5d || byte === 0x7d) depth--
  }
  return false
}

/** `value` as an object; null and undefined count as an empty one. */
export function readObject(value: unknown, what: string): JsonObject {
  if (value === null || value === undefined) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongType(value, what, 'an object')
  return value as JsonObject
}

/**
 * The member `name` as Go's encoding/json finds it: the last key that equals it without regard to case, so that we
 * never read another image out of a document than the other tools do.
 */
export function member(object: JsonObject, name: string): unknown {
  let found: unknown
  const folded = name.toLowerCase()
  for (const [key, value] of Object.entries(object)) {
    if (key === name || (key.length === name.length && key.toLowerCase() === folded)) found = value
  }
  return found
}

/** A text member; absent and null are undefined, so is the empty text (Go's zero value). */
export function readText(object: JsonObject, name: string, what: string): string | undefined {
  const value = member(object, name)
  if (value === null || value === undefined || value === '') return undefined
  if (typeof value !== 'string') throw wrongType(value, `${what}.${name}`, 'a string')
  return value
}

/** An integer member within the range that numbers hold exactly; absent and null are undefined. */
export function readInteger(object: JsonObject, name: string, what: string): number | undefined {
  const value = member(object, name)
  if (value === null || value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw wrongType(value, `${what}.${name}`, 'an integer')
  }
  return value
}

/** A yes-or-no member; absent and null are false. */
export function readFlag(object: JsonObject, name: string, what: string): boolean {
  const value = member(object, name)
  if (value === null || value === undefined) return false
  if (typeof value !== 'boolean') throw wrongType(value, `${what}.${name}`, 'a boolean')
  return value
}

/** A list member with at most `limit` elements; absent and null are undefined. Longer ones throw `resource-exhausted`. */
export function readList(
  object: JsonObject,
  name: string,
  what: string,
  limit: number,
): readonly unknown[] | undefined {
  const value = member(object, name)
  if (value === null || value === undefined) return undefined
  if (!Array.isArray(value)) throw wrongType(value, `${what}.${name}`, 'an array')
  if (value.length > limit) {
    throw new SlipwayError(
      'resource-exhausted',
      `${what}.${name} has ${value.length} entries, more than ${limit}`,
    )
  }
  return value
}

/** A member that is a list of texts; null elements are empty texts. */
export function readTexts(object: JsonObject, name: string, what: string): readonly string[] | undefined {
  return readList(object, name, what, 100_000)?.map((value, i) => {
    if (value === null) return ''
    if (typeof value !== 'string') throw wrongType(value, `${what}.${name}[${i}]`, 'a string')
    return value
  })
}

/** A member that is an object of texts; null values are empty texts. */
export function readTextMap(
  object: JsonObject,
  name: string,
  what: string,
): Readonly<Record<string, string>> | undefined {
  const value = member(object, name)
  if (value === null || value === undefined) return undefined
  const where = `${what}.${name}`
  return Object.fromEntries(
    Object.entries(readObject(value, where)).map(([key, text]) => {
      if (text !== null && typeof text !== 'string') throw wrongType(text, `${where}[${key}]`, 'a string')
      return [key, text ?? '']
    }),
  )
}

/** The error for a value of the wrong JSON type. */
export function wrongType(value: unknown, what: string, expected: string): SlipwayError {
  const shown = JSON.stringify(value)?.slice(0, 64) ?? 'nothing'
  return new SlipwayError('invalid-argument', `invalid ${what}: expected ${expected}, got ${shown}`)
}
