import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { InvalidTemplate, type Lookup, substitute } from './interpolate.ts'

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  c: '',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/**
 * The variables that an env file sets, in its order; `lookup` gives those it refers to. Throws `invalid-argument`.
 * Source: https://github.com/compose-spec/compose-spec/blob/main/05-services.md#env_file-format.
 */
export function parseDotEnv(text: string, lookup: Lookup): Map<string, string> {
  const out = new Map<string, string>()
  const known: Lookup = name => lookup(name) ?? out.get(name)
  let rest = text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n')
  let line = 1
  const fail = (message: string): SlipwayError =>
    new SlipwayError('invalid-argument', `line ${line}: ${message}`)
  const take = (length: number): string => {
    const taken = rest.slice(0, length)
    line += taken.split('\n').length - 1
    rest = rest.slice(length)
    return taken
  }
  for (;;) {
    take(/^(?:\s+|#[^\n]*)*/.exec(rest)?.[0].length ?? 0)
    if (rest === '') return out
    take(/^export\s+/.exec(rest)?.[0].length ?? 0)
    const name = /^[^=:\n]*/.exec(rest)?.[0] ?? ''
    const bad = /[^\p{L}\p{N}_.\-[\]\s]/u.exec(name)?.[0]
    if (bad !== undefined)
      throw fail(
        `unexpected character ${quote(bad)} in variable name ${quote(rest.split('\n')[0] as string)}`,
      )
    const inherited = rest[name.length] === '\n' || rest[name.length] === undefined
    const key = name.trim()
    if (key.includes(' ')) throw fail('key cannot contain a space')
    take(name.length + 1)
    if (inherited) {
      const value = lookup(key)
      if (value !== undefined) out.set(key, value)
      continue
    }
    take(/^[^\S\n]*/.exec(rest)?.[0].length ?? 0)
    const mark = rest[0]
    if (mark !== '"' && mark !== "'") {
      const value = take(/^[^\n]*\n?/.exec(rest)?.[0].length ?? 0)
      out.set(key, expand((value.split(' #')[0] as string).trimEnd(), known))
      continue
    }
    const quoted = (mark === '"' ? /^"((?:\\[^]|[^"\\])*)"/ : /^'((?:\\[^]|[^'\\])*)'/).exec(rest)
    if (quoted === null) {
      const start = rest.split('\n')[0]
      take(rest.length)
      throw fail(`unterminated quoted value ${start}`)
    }
    const content = (quoted[1] as string).replaceAll(`\\${mark}`, mark)
    out.set(key, mark === '"' ? expand(expandEscapes(content), known) : content)
    take(quoted[0].length)
  }
}

function expand(text: string, lookup: Lookup): string {
  try {
    return substitute(text, lookup)
  } catch (e) {
    if (!(e instanceof InvalidTemplate)) throw e
    throw new SlipwayError('invalid-argument', `Invalid template: ${quote(text)}`)
  }
}

function expandEscapes(text: string): string {
  return text.replace(/\\(?:([abcfnrtv$"\\])|0([0-7]{0,3}))/g, (whole, letter?: string, octal?: string) => {
    if (octal !== undefined) return octal === '' ? whole : String.fromCharCode(Number.parseInt(octal, 8))
    if (letter === '$') return '$$'
    return escapes[letter as string] ?? (letter as string)
  })
}
