/** Anything that can be written as JSON; bytes become base64, bigints plain numbers, undefined members are left out. */
export type JsonValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly JsonValue[]
  | ReadonlyMap<string, JsonValue>
  | { readonly [key: string]: JsonValue }

/** How `goJson` writes. */
export interface GoJsonOptions {
  /** Put every element on its own line, indented by this. Without it everything is on one line. */
  readonly indent?: string
  /** In front of every line but the first. */
  readonly prefix?: string
  /** Write `<`, `>` and `&` as \u003c, \u003e, \u0026, as Go does unless told otherwise. @default true */
  readonly escapeHtml?: boolean
}

/**
 * JSON with the bytes of Go's encoding/json: its escapes, its indentation, keys in the order they are given (Go sorts
 * maps and keeps the order of struct fields: that is the caller's business, see `sortKeys`).
 */
export function goJson(value: JsonValue, options: GoJsonOptions = {}): string {
  const { indent, prefix = '', escapeHtml = true } = options
  const write = (v: JsonValue, depth: number): string => {
    if (v === null || v === undefined) return 'null'
    if (typeof v === 'string') return jsonString(v, escapeHtml)
    if (typeof v === 'boolean' || typeof v === 'bigint') return String(v)
    if (typeof v === 'number') return jsonNumber(v)
    if (v instanceof Uint8Array) return `"${Buffer.from(v).toString('base64')}"`
    if (isList(v)) {
      return block(
        '[',
        v.map(e => write(e, depth + 1)),
        ']',
        depth,
      )
    }
    const entries = isMap(v) ? [...v] : Object.entries(v)
    const members = entries
      .filter(([, member]) => member !== undefined)
      .map(
        ([key, member]) =>
          `${jsonString(key, escapeHtml)}:${indent === undefined ? '' : ' '}${write(member, depth + 1)}`,
      )
    return block('{', members, '}', depth)
  }
  const block = (open: string, parts: readonly string[], close: string, depth: number): string => {
    if (parts.length === 0) return open + close
    if (indent === undefined) return open + parts.join(',') + close
    const line = `\n${prefix}${indent.repeat(depth + 1)}`
    return `${open}${line}${parts.join(`,${line}`)}\n${prefix}${indent.repeat(depth)}${close}`
  }
  return write(value, 0)
}

/** The same value with the keys of every object sorted by bytes, as Go writes maps. */
export function sortKeys(value: JsonValue): JsonValue {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  if (isList(value)) return value.map(sortKeys)
  const entries = isMap(value) ? [...value] : Object.entries(value)
  entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return new Map(entries.map(([key, member]) => [key, sortKeys(member)]))
}

const isList = (v: object): v is readonly JsonValue[] => Array.isArray(v)
const isMap = (v: object): v is ReadonlyMap<string, JsonValue> => v instanceof Map

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** A JSON string literal as Go writes it. */
export function jsonString(text: string, escapeHtml = true): string {
  const special = escapeHtml ? /["\\\u0000-\u001f\u2028\u2029<>&]/g : /["\\\u0000-\u001f\u2028\u2029]/g
  const escape = (char: string): string =>
    escapes[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return `"${text.toWellFormed().replace(special, escape)}"`
}

function jsonNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`json: unsupported value: ${value}`)
  return Object.is(value, -0) ? '-0' : String(value)
}
