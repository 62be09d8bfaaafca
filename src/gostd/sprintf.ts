import { formatFixed } from './fixed.ts'
import { goJson, type JsonValue } from './json.ts'
import { quote, quoteRune, quoteToAscii } from './quote.ts'

interface Spec {
  readonly flags: string
  readonly width: number | undefined
  readonly precision: number | undefined
  readonly verb: string
}

/**
 * Go's `fmt.Sprintf` for the verbs that templates use (`%v %+v %s %q %d %t %x %X %o %b %c %U %f %e %g %T %%`) with
 * flags, width, precision, `*` and argument numbers. Mistakes give Go's marks (`%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int=1)`).
 */
export function sprintf(format: string, ...args: readonly unknown[]): string {
  let used = 0
  let indexed = false
  const next = (): { readonly value: unknown } | undefined =>
    used < args.length ? { value: args[used++] } : undefined
  const star = (text: string | undefined): number | undefined => {
    if (text !== '*') return text === undefined ? undefined : Number(text)
    const given = next()?.value
    return typeof given === 'bigint' || typeof given === 'number' ? Number(given) : undefined
  }
  const directive = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(?:\[(\d+)\])?(.)?/gsu
  const out = format.replace(directive, (_all, flags: string, width, precision, index, verb?: string) => {
    if (verb === undefined) return '%!(NOVERB)'
    if (verb === '%') return '%'
    const spec = { flags, width: star(width), precision: star(precision), verb }
    if (index !== undefined) {
      indexed = true
      used = Number(index) - 1
    }
    const arg = next()
    return arg === undefined ? `%!${verb}(MISSING)` : formatOne(spec, arg.value)
  })
  if (indexed || used >= args.length) return out
  const extra = args.slice(used).map(arg => `${typeName(arg)}=${goString(arg)}`)
  return `${out}%!(EXTRA ${extra.join(', ')})`
}

/** A value as `%v` (and `fmt.Sprint`, `{{.}}`) prints it: `<nil>`, `[a b]`, `map[k:v]`. */
export function goString(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : floatG(value)
  if (typeof value === 'function') return 'func'
  if (typeof value !== 'object') return String(value as string | bigint | boolean | symbol)
  if (value instanceof Error) return value.message
  if (Array.isArray(value) || value instanceof Uint8Array) return `[${Array.from(value, goString).join(' ')}]`
  if (value instanceof Map) {
    const pairs = [...value].map(([key, member]) => `${goString(key)}:${goString(member)}`)
    return `map[${pairs.toSorted().join(' ')}]`
  }
  const own = (value as { toString?: unknown }).toString
  if (typeof own === 'function' && own !== Object.prototype.toString) return String(own.call(value))
  return `{${Object.values(value).map(goString).join(' ')}}`
}

/** `fmt.Sprint`: a blank goes between two operands when neither is a string. */
export function sprint(...args: readonly unknown[]): string {
  let out = ''
  for (const [i, arg] of args.entries()) {
    if (i > 0 && typeof arg !== 'string' && typeof args[i - 1] !== 'string') out += ' '
    out += goString(arg)
  }
  return out
}

/** The Go type that a value stands for, as `%T` names it; an object may name its own by `Symbol.toStringTag`. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'bigint') return 'int'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  if (value instanceof Uint8Array) return '[]uint8'
  if (Array.isArray(value)) return value.every(e => typeof e === 'string') ? '[]string' : '[]interface {}'
  if (value instanceof Map) return 'map[string]interface {}'
  if (typeof value === 'function') return 'func'
  const tag = (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]
  return typeof tag === 'string' ? tag : 'struct'
}

function formatOne(spec: Spec, value: unknown): string {
  const { flags, verb, precision } = spec
  const bad = (): string =>
    value === null || value === undefined
      ? `%!${verb}(<nil>)`
      : `%!${verb}(${typeName(value)}=${goString(value)})`
  const isInt = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
  switch (verb) {
    case 'v':
      if (flags.includes('#')) return pad(spec, goJson(value as JsonValue))
      return isInt ? number(spec, String(value)) : pad(spec, goString(value))
    case 'T':
      return pad(spec, typeName(value))
    case 's':
      if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return bad()
      if (value === null || value === undefined) return bad()
      return pad(
        spec,
        cut(value instanceof Uint8Array ? Buffer.from(value).toString() : goString(value), precision),
      )
    case 'q':
      if (isInt) return pad(spec, quoteRune(String.fromCodePoint(Number(value))))
      if (Array.isArray(value)) return pad(spec, `[${value.map(v => quote(goString(v))).join(' ')}]`)
      if (typeof value !== 'string') return bad()
      return pad(spec, flags.includes('+') ? quoteToAscii(value) : quote(cut(value, precision)))
    case 't':
      return typeof value === 'boolean' ? pad(spec, String(value)) : bad()
    case 'd':
      if (Array.isArray(value)) return `[${value.map(v => formatOne(spec, v)).join(' ')}]`
      return isInt ? number(spec, String(value)) : bad()
    case 'x':
    case 'X':
      return hexadecimal(spec, value, isInt) ?? bad()
    case 'o':
    case 'b':
      return isInt ? number(spec, BigInt(value).toString(verb === 'o' ? 8 : 2)) : bad()
    case 'c':
      return isInt ? pad(spec, String.fromCodePoint(Number(value))) : bad()
    case 'U':
      return isInt ? pad(spec, `U+${Number(value).toString(16).toUpperCase().padStart(4, '0')}`) : bad()
    case 'f':
    case 'F':
      return typeof value === 'number' ? number(spec, formatFixed(value, precision ?? 6)) : bad()
    case 'e':
      return typeof value === 'number' ? number(spec, exponent(value.toExponential(precision ?? 6))) : bad()
    case 'g':
      if (typeof value !== 'number') return bad()
      return number(spec, floatG(precision === undefined ? value : Number(value.toPrecision(precision || 1))))
    default:
      return bad()
  }
}

function hexadecimal(spec: Spec, value: unknown, isInt: boolean): string | undefined {
  const upper = (text: string): string => (spec.verb === 'X' ? text.toUpperCase() : text)
  const mark = spec.flags.includes('#') ? '0x' : ''
  if (isInt) return number(spec, upper(mark + BigInt(value as number).toString(16)))
  if (typeof value === 'string' || value instanceof Uint8Array) {
    return pad(spec, upper(mark + Buffer.from(value as string).toString('hex')))
  }
  return undefined
}

function cut(text: string, precision: number | undefined): string {
  return precision === undefined ? text : Array.from(text).slice(0, precision).join('')
}

function number(spec: Spec, digits: string): string {
  const signed = !digits.startsWith('-')
  const text = signed && spec.flags.includes('+') ? `+${digits}` : digits
  const shown = signed && spec.flags.includes(' ') && !spec.flags.includes('+') ? ` ${text}` : text
  if (!spec.flags.includes('0') || spec.flags.includes('-') || spec.width === undefined)
    return pad(spec, shown)
  const sign = /^[-+ ]?/.exec(shown)?.[0] ?? ''
  return sign + shown.slice(sign.length).padStart(spec.width - sign.length, '0')
}

function pad(spec: Spec, text: string): string {
  const missing = ' '.repeat(Math.max(0, (spec.width ?? 0) - Array.from(text).length))
  return spec.flags.includes('-') ? text + missing : missing + text
}

/** The shortest form, with an exponent below 1e-4 and from 1e6 on, as `%g`. */
function floatG(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return exponent(value.toExponential())
  return Object.is(value, -0) ? '-0' : String(value)
}

const exponent = (text: string): string => text.replace(/e([+-])(\d)$/, 'e$10$2')
