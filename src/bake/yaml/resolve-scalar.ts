import type { YamlValue } from '../compose/yaml-value.ts'
import { timestampText } from '../compose/timestamp.ts'
import { YamlError } from './mark.ts'
import type { ScalarNode } from './yaml-node.ts'

interface Resolved {
  readonly tag: string
  readonly value: YamlValue
}

const words = new Map<string, Resolved>()
for (const text of ['true', 'True', 'TRUE']) words.set(text, { tag: '!!bool', value: true })
for (const text of ['false', 'False', 'FALSE']) words.set(text, { tag: '!!bool', value: false })
for (const text of ['', '~', 'null', 'Null', 'NULL']) words.set(text, { tag: '!!null', value: null })
for (const text of ['nan', 'NaN', 'NAN']) words.set(`.${text}`, { tag: '!!float', value: Number.NaN })
for (const text of ['inf', 'Inf', 'INF']) {
  for (const sign of ['', '+', '-']) {
    const value = sign === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
    words.set(`${sign}.${text}`, { tag: '!!float', value })
  }
}
for (const text of ['-0', '-0.0']) words.set(text, { tag: '!!float', value: -0 })
words.set('<<', { tag: '!!merge', value: '<<' })

/** Tags whose values are looked at; with any other a scalar is a text. */
const known = new Set(['', '!', '!!bool', '!!int', '!!float', '!!null', '!!timestamp'])

/** The value of a scalar as Go's YAML library decodes it. Throws `YamlError` where its tag does not fit. */
export function resolveScalar({ tag, value, plain }: ScalarNode): YamlValue {
  if (tag === '!!binary') return Buffer.from(value, 'base64').toString('utf8')
  if (!known.has(tag) || (!plain && (tag === '' || tag === '!'))) return value
  const resolved = resolve(value, tag === '!' ? '' : tag)
  if (tag === '' || tag === '!' || resolved.tag === tag) return resolved.value
  if (tag === '!!float' && resolved.tag === '!!int') return Number(resolved.value)
  throw new YamlError(`cannot construct ${resolved.tag} \`${value}\` as a ${tag}`)
}

/** Whether a key is a text, a time, or a number or something else that looks like one. */
export function scalarKind(node: ScalarNode): 'text' | 'time' | 'other' {
  if (typeof resolveScalar(node) !== 'string') return 'other'
  const { tag, value, plain } = node
  const isOpen = tag === '!!timestamp' || (plain && (tag === '' || tag === '!'))
  return isOpen && resolve(value, tag === '!' ? '' : tag).tag === '!!timestamp' ? 'time' : 'text'
}

function resolve(text: string, tag: string): Resolved {
  const word = words.get(text)
  if (word !== undefined) return word
  const asText: Resolved = { tag: '!!str', value: text }
  if (/^\./.test(text)) {
    return /^\.[0-9]+(?:[eE][-+]?[0-9]+)?$/.test(text) ? { tag: '!!float', value: Number(text) } : asText
  }
  if (!/^[-+0-9]/.test(text)) return asText
  const time = tag === '' || tag === '!!timestamp' ? timestampText(text) : undefined
  if (time !== undefined) return { tag: '!!timestamp', value: time }
  const bare = text.replaceAll('_', '')
  const whole = wholeNumber(bare)
  if (whole !== undefined) return { tag: '!!int', value: whole }
  const isFloat = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(bare)
  return isFloat && Number.isFinite(Number(bare)) ? { tag: '!!float', value: Number(bare) } : asText
}

/** A number as Go's `ParseInt` with base 0 reads it: prefixes `0x`, `0o`, `0b`, and `0` alone for octal. */
function wholeNumber(text: string): bigint | undefined {
  const found = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)$/.exec(text)
  if (found === null) return undefined
  const [, sign = '', digits = ''] = found
  const size = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits.toLowerCase())
  const value = sign === '-' ? -size : size
  const most = sign === '' ? 2n ** 64n : 2n ** 63n
  return value < -(2n ** 63n) || value >= most ? undefined : value
}
