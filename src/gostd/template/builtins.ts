import { SlipwayError } from '../../errors/slipway-error.ts'
import { goString, sprint, sprintf, typeName } from '../sprintf.ts'

/** A function that templates may call. What it throws is shown as `error calling NAME: message`. */
export type TemplateFunction = (...args: readonly unknown[]) => unknown

const fail = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)

/** Go's truth: not zero, not empty, not nil. Objects (structs) are always true. */
export function isTrue(value: unknown): boolean {
  if (value === null || value === undefined) return false
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length > 0
  if (value instanceof Map) return value.size > 0
  return typeof value === 'object' || typeof value === 'function' ? true : Boolean(value)
}

/** Go's own template functions; `and` and `or` are evaluated by the interpreter, which stops early. */
export const builtins: Readonly<Record<string, TemplateFunction>> = {
  not: value => !isTrue(value),
  len: value => {
    if (typeof value === 'string') return Buffer.byteLength(value)
    if (Array.isArray(value) || value instanceof Uint8Array) return value.length
    if (value instanceof Map) return value.size
    if (typeof value === 'object' && value !== null) return Object.keys(value).length
    throw fail(value == null ? 'len of nil pointer' : `len of type ${typeName(value)}`)
  },
  index: (value, ...keys) => keys.reduce(indexOne, value),
  slice: (value, ...bounds) => {
    const [from = 0, to] = bounds.map(Number)
    const size =
      typeof value === 'string' ? Buffer.byteLength(value) : Array.isArray(value) ? value.length : 0
    for (const bound of [from, to ?? 0])
      if (bound < 0 || bound > size) throw fail(`index out of range: ${bound}`)
    if (typeof value === 'string') return Buffer.from(value).subarray(from, to).toString()
    if (Array.isArray(value)) return value.slice(from, to)
    throw fail(`can't slice item of type ${typeName(value)}`)
  },
  print: (...args) => sprint(...args),
  println: (...args) => `${args.map(goString).join(' ')}\n`,
  printf: (format, ...args) => sprintf(String(format), ...args),
  html: (...args) => sprint(...args).replace(/[<>&'"\0]/g, c => htmlEscapes[c] ?? c),
  js: (...args) => sprint(...args).replace(/[\\'"<>&=]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, jsEscape),
  urlquery: (...args) => encodeURIComponent(sprint(...args)).replaceAll('%20', '+'),
  call: (func, ...args) => {
    if (typeof func !== 'function') throw fail(`non-function of type ${typeName(func)}`)
    return (func as TemplateFunction)(...args)
  },
  eq: (first, ...others) => {
    if (others.length === 0) throw fail('missing argument for comparison')
    return others.some(other => equal(first, other))
  },
  ne: (a, b) => !equal(a, b),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
}

/** Fewest arguments of the builtins that take any number; the others take as many as they declare. */
export const minimumArgs: Readonly<Record<string, number>> = {
  index: 1,
  slice: 1,
  print: 0,
  println: 0,
  printf: 1,
  html: 0,
  js: 0,
  urlquery: 0,
  call: 1,
  eq: 1,
}

/** Every name that Go itself defines in a template. */
export const builtinNames: ReadonlySet<string> = new Set([...Object.keys(builtins), 'and', 'or'])

const htmlEscapes: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  "'": '&#39;',
  '"': '&#34;',
  '\0': '\ufffd',
}

function jsEscape(char: string): string {
  if ('\\\'"'.includes(char)) return `\\${char}`
  const point = char.codePointAt(0) as number
  return `\\u${point.toString(16).toUpperCase().padStart(4, '0')}`
}

/** Objects that have the name of a Go type are structs; others stand for maps. */
export function isStruct(value: object): boolean {
  return Symbol.toStringTag in value && !(value instanceof Map)
}

function indexOne(value: unknown, key: unknown): unknown {
  if (value === null || value === undefined) throw fail('index of untyped nil')
  if (value instanceof Map) return value.get(typeof key === 'bigint' ? Number(key) : key)
  if (Array.isArray(value) || value instanceof Uint8Array || typeof value === 'string') {
    const at = typeof key === 'bigint' || typeof key === 'number' ? Number(key) : Number.NaN
    if (!Number.isInteger(at)) throw fail(`cannot index slice/array with type ${typeName(key)}`)
    const items = typeof value === 'string' ? Buffer.from(value) : value
    if (at < 0 || at >= items.length) throw fail(`index out of range: ${at}`)
    return items[at]
  }
  if (typeof value === 'object' && !isStruct(value)) {
    const name = goString(key)
    return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined
  }
  throw fail(`can't index item of type ${typeName(value)}`)
}

function kindOf(value: unknown): 'bool' | 'number' | 'string' | 'nil' | 'other' {
  if (value === null || value === undefined) return 'nil'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number' || typeof value === 'bigint') return 'number'
  return typeof value === 'string' ? 'string' : 'other'
}

function equal(a: unknown, b: unknown): boolean {
  const [left, right] = [kindOf(a), kindOf(b)]
  if (left === 'nil' || right === 'nil') return left === right
  if (left !== right) throw fail('incompatible types for comparison')
  if (left === 'other') {
    if (typeof a !== 'object' || Array.isArray(a) || a instanceof Map) throw fail('non-comparable type')
    return a === b
  }
  return left === 'number' ? Number(a) === Number(b) : a === b
}

function compare(a: unknown, b: unknown): number {
  const kind = kindOf(a)
  if (kind !== kindOf(b)) throw fail('incompatible types for comparison')
  if (kind === 'number') return Number(a) - Number(b)
  if (kind === 'string') return Buffer.compare(Buffer.from(a as string), Buffer.from(b as string))
  throw fail('invalid type for comparison')
}
