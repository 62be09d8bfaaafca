import { FunctionError, type HclFunction, valueFunction } from '../function.ts'
import { lower, titleCase, upper } from './letter-case.ts'
import { countGraphemes, graphemes } from '../syntax/grapheme.ts'
import { compareText } from '../value/compare-text.ts'
import { limitError, takeSize } from '../value/limit.ts'
import { listType, numberType, stringType } from '../value/type.ts'
import {
  asArray,
  asText,
  integerValue,
  isNull,
  listValue,
  maxStringLength,
  stringValue,
  type Value,
} from '../value/value.ts'
import { define, type FunctionTable, integerArgument, list, number, text, textArgument } from './arguments.ts'

function textFunction(names: readonly string[], compute: (...texts: string[]) => string): HclFunction {
  return define(names.map(text), stringType, args => stringValue(compute(...args.map(textArgument))))
}

/** `text` with every `from` replaced; refused before it is built when it would be too long. */
function replaceEvery(source: string, from: string, to: string): string {
  const count = from === '' ? [...source].length + 1 : source.split(from).length - 1
  if (source.length + count * (to.length - from.length) > maxStringLength)
    throw limitError(`a string of more than ${maxStringLength} characters`)
  if (from !== '') return source.replaceAll(from, () => to)
  return to + [...source].map(c => c + to).join('')
}

const substr = define([text('str'), number('offset'), number('length')], stringType, ([str, from, count]) => {
  const clusters = graphemes(textArgument(str))
  let offset = integerArgument(from)
  const length = integerArgument(count)
  if (offset < 0) offset += clusters.length
  else if (length === 0) return stringValue('')
  const start = Math.max(offset, 0)
  // A length of 0 behind a negative offset means the whole rest: so the original behaves.
  return stringValue(clusters.slice(start, length <= 0 ? undefined : start + length).join(''))
})

const join = valueFunction({
  parameters: [text('separator')],
  variadic: list('lists', stringType),
  returns: stringType,
  call: ([separator, ...lists], budget) => {
    if (lists.length === 0) throw new FunctionError('at least one list is required')
    const items: string[] = []
    for (const [at, values] of lists.entries()) {
      for (const [i, v] of asArray(values).entries()) {
        if (isNull(v)) {
          const which = lists.length > 1 ? `element ${i} of list ${at + 1}` : `element ${i}`
          throw new FunctionError(`${which} is null; cannot concatenate null values`, at + 1)
        }
        takeSize(budget, asText(v).length)
        items.push(asText(v))
      }
    }
    takeSize(budget, textArgument(separator).length * items.length)
    return stringValue(items.join(textArgument(separator)))
  },
})

const sort = define([list('list', stringType)], listType(stringType), ([values]) => {
  const texts = asArray(values as Value).map((v, i) => {
    if (isNull(v)) throw new FunctionError(`given list element ${i} is null; a null string cannot be sorted`)
    return asText(v)
  })
  return listValue(texts.sort(compareText).map(stringValue), stringType)
})

const split = define([text('separator'), text('str')], listType(stringType), ([separator, str]) => {
  const sep = textArgument(separator)
  const parts = sep === '' ? [...textArgument(str)] : textArgument(str).split(sep)
  return listValue(parts.map(stringValue), stringType)
})

const indent = define([number('spaces'), text('str')], stringType, ([spaces, str]) => {
  const count = integerArgument(spaces)
  if (count < 0) throw new FunctionError('panic in function implementation: strings: negative Repeat count')
  if (count > maxStringLength) throw limitError('too many spaces')
  return stringValue(replaceEvery(textArgument(str), '\n', `\n${' '.repeat(count)}`))
})

function title(source: string): string {
  let boundary = true
  let out = ''
  for (const c of source) {
    out += boundary ? titleCase(c) : c
    boundary = (c.codePointAt(0) as number) < 0x80 ? !/[A-Za-z0-9_]/.test(c) : /\s/u.test(c)
  }
  return out
}

function trim(source: string, cutset: string): string {
  const cut = new Set(cutset)
  const chars = [...source]
  let from = 0
  let to = chars.length
  while (from < to && cut.has(chars[from] as string)) from++
  while (to > from && cut.has(chars[to - 1] as string)) to--
  return chars.slice(from, to).join('')
}

/** The last element of a slash-separated path, as Go's `path.Base`. */
export function baseName(path: string): string {
  if (path === '') return '.'
  const trimmed = path.replace(/\/+$/, '')
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1)
}

/** All but the last element of a path, cleaned, as Go's `path.Dir`. */
export function directoryName(path: string): string {
  return cleanPath(path.slice(0, path.lastIndexOf('/') + 1))
}

/** The shortest path with the same meaning, as Go's `path.Clean`. */
export function cleanPath(path: string): string {
  const rooted = path.startsWith('/')
  const out: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') out.push(part)
    else if (out.length > 0 && out.at(-1) !== '..') out.pop()
    else if (!rooted) out.push(part)
  }
  return (rooted ? '/' : '') + out.join('/') || '.'
}

/** Strings. */
export const textFunctions: FunctionTable = {
  basename: textFunction(['path'], baseName),
  chomp: textFunction(['str'], s => s.replace(/(?:\r\n?|\n)*$/, '')),
  dirname: textFunction(['path'], directoryName),
  indent,
  join,
  lower: textFunction(['str'], lower),
  replace: textFunction(['str', 'substr', 'replace'], replaceEvery),
  reverse: textFunction(['str'], s => graphemes(s).reverse().join('')),
  sanitize: textFunction(['name'], s => s.replace(/[^a-zA-Z0-9_-]/gu, '_')),
  sort,
  split,
  strlen: define([text('str')], numberType, ([s]) => integerValue(countGraphemes(textArgument(s)))),
  substr,
  title: textFunction(['str'], title),
  trim: textFunction(['str', 'cutset'], trim),
  trimprefix: textFunction(['str', 'prefix'], (s, prefix) =>
    s.startsWith(prefix) ? s.slice(prefix.length) : s,
  ),
  trimspace: textFunction(['str'], s => s.replace(/^[\p{White_Space}]+|[\p{White_Space}]+$/gu, '')),
  trimsuffix: textFunction(['str', 'suffix'], (s, suffix) =>
    suffix !== '' && s.endsWith(suffix) ? s.slice(0, -suffix.length) : s,
  ),
  upper: textFunction(['str'], upper),
}
