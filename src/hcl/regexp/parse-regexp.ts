import { foldCase, namedClass, perlClass, unicodeClass } from './char-class.ts'
import { type CharTest, RegexpError, type RegexpNode } from './syntax-tree.ts'

/** A pattern with its capture groups: `names[i]` is the name of group `i`, empty when it has none; group 0 is the whole. */
export interface ParsedRegexp {
  readonly node: RegexpNode
  readonly names: readonly string[]
}

interface Flags {
  fold: boolean
  multiline: boolean
  dotAll: boolean
  ungreedy: boolean
}

/** Parses a pattern in RE2 syntax (https://github.com/google/re2/wiki/Syntax); throws a `RegexpError`. */
export function parseRegexp(pattern: string): ParsedRegexp {
  return new RegexpParser(pattern).parse()
}

const maxRepeat = 1000
const maxDepth = 250
const escapes: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 }

class RegexpParser {
  readonly #text: string
  readonly #names = ['']
  #at = 0
  #depth = 0
  #flags: Flags = { fold: false, multiline: false, dotAll: false, ungreedy: false }

  constructor(text: string) {
    this.#text = text
  }

  parse(): ParsedRegexp {
    const node = this.#alternation()
    if (this.#at < this.#text.length) throw new RegexpError('unexpected )', this.#text)
    return { node, names: this.#names }
  }

  #alternation(): RegexpNode {
    if (++this.#depth > maxDepth) throw new RegexpError('expression nests too deeply', this.#text)
    const items = [this.#concatenation()]
    while (this.#text[this.#at] === '|') {
      this.#at++
      items.push(this.#concatenation())
    }
    this.#depth--
    return items.length === 1 ? (items[0] as RegexpNode) : { kind: 'alternate', items }
  }

  #concatenation(): RegexpNode {
    const items: RegexpNode[] = []
    while (this.#at < this.#text.length && !'|)'.includes(this.#text[this.#at] as string)) {
      const start = this.#at
      const item = this.#atom()
      if (item !== undefined) items.push(this.#repeated(item, start))
    }
    return items.length === 1 ? (items[0] as RegexpNode) : { kind: 'concat', items }
  }

  #repeated(item: RegexpNode, start: number): RegexpNode {
    let node = item
    for (let count = 0; ; count++) {
      const from = this.#at
      const range = this.#quantifier()
      if (range === undefined) return node
      const lazy = this.#text[this.#at] === '?'
      if (lazy) this.#at++
      const written = this.#text.slice(count === 0 ? from : start, this.#at)
      if (count > 0)
        throw new RegexpError(
          'invalid nested repetition operator',
          this.#text.slice(this.#lastQuantifier, this.#at),
        )
      if (range.max !== Number.POSITIVE_INFINITY && (range.max > maxRepeat || range.min > range.max)) {
        throw new RegexpError('invalid repeat count', written)
      }
      if (range.min > maxRepeat) throw new RegexpError('invalid repeat count', written)
      this.#lastQuantifier = from
      node = { kind: 'repeat', item: node, ...range, greedy: lazy === this.#flags.ungreedy }
    }
  }

  #lastQuantifier = 0

  #quantifier(): { min: number; max: number } | undefined {
    const c = this.#text[this.#at]
    const simple =
      c === '*'
        ? [0, Number.POSITIVE_INFINITY]
        : c === '+'
          ? [1, Number.POSITIVE_INFINITY]
          : c === '?'
            ? [0, 1]
            : undefined
    if (simple !== undefined) {
      this.#at++
      return { min: simple[0] as number, max: simple[1] as number }
    }
    const match =
      c === '{' ? /^\{([0-9]+)(,([0-9]*))?\}/.exec(this.#text.slice(this.#at, this.#at + 24)) : null
    if (match === null) return undefined
    this.#at += match[0].length
    const min = Number(match[1])
    return {
      min,
      max: match[2] === undefined ? min : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]),
    }
  }

  #atom(): RegexpNode | undefined {
    const c = this.#text[this.#at] as string
    switch (c) {
      case '(':
        return this.#group()
      case '[':
        return this.#char(this.#bracket())
      case '.':
        this.#at++
        return this.#flags.dotAll ? { kind: 'char', test: () => true } : { kind: 'char', test: x => x !== 10 }
      case '^':
        this.#at++
        return { kind: 'assert', what: this.#flags.multiline ? 'line-start' : 'text-start' }
      case '$':
        this.#at++
        return { kind: 'assert', what: this.#flags.multiline ? 'line-end' : 'text-end' }
      case '*':
      case '+':
      case '?': {
        const lazy = this.#text[this.#at + 1] === '?' ? 2 : 1
        throw new RegexpError(
          'missing argument to repetition operator',
          this.#text.slice(this.#at, this.#at + lazy),
        )
      }
      case '\\':
        return this.#escape()
      default:
        return this.#literal(this.#next())
    }
  }

  #next(): number {
    const code = this.#text.codePointAt(this.#at) as number
    this.#at += code > 0xffff ? 2 : 1
    return code
  }

  #char(test: CharTest): RegexpNode {
    return { kind: 'char', test: this.#flags.fold ? foldCase(test) : test }
  }

  #literal(code: number): RegexpNode {
    return this.#char(c => c === code)
  }

  #group(): RegexpNode | undefined {
    const start = this.#at
    const rest = this.#text.slice(start)
    const named = /^\(\?P?<([^>]*)>/.exec(rest)
    if (rest.startsWith('(?P<') || rest.startsWith('(?<')) {
      if (rest.startsWith('(?<=') || rest.startsWith('(?<!'))
        throw new RegexpError('invalid or unsupported Perl syntax', rest.slice(0, 4))
      if (named === null) throw new RegexpError('invalid named capture', rest)
      const name = named[1] as string
      if (!/^[A-Za-z0-9_]+$/.test(name)) throw new RegexpError('invalid named capture', named[0])
      this.#at += named[0].length
      return this.#body(this.#names.push(name) - 1)
    }
    if (rest.startsWith('(?')) return this.#flagGroup(rest)
    this.#at++
    return this.#body(this.#names.push('') - 1)
  }

  #flagGroup(rest: string): RegexpNode | undefined {
    const match = /^\(\?([imsU]*)(-[imsU]+)?([:)])/.exec(rest)
    if (match === null || (match[1] === '' && match[2] === undefined && match[3] === ')')) {
      const bad = /^\(\?[imsU-]*./.exec(rest)
      throw new RegexpError(
        bad === null ? 'missing argument to repetition operator' : 'invalid or unsupported Perl syntax',
        bad?.[0] ?? rest,
      )
    }
    this.#at += match[0].length
    const flags = { ...this.#flags }
    const set = (letters: string, value: boolean): void => {
      for (const l of letters)
        flags[l === 'i' ? 'fold' : l === 'm' ? 'multiline' : l === 's' ? 'dotAll' : 'ungreedy'] = value
    }
    set(match[1] ?? '', true)
    set((match[2] ?? '').slice(1), false)
    if (match[3] === ')') {
      this.#flags = flags
      return undefined
    }
    return this.#body(undefined, flags)
  }

  #body(index: number | undefined, flags: Flags = { ...this.#flags }): RegexpNode {
    const outer = this.#flags
    this.#flags = flags
    const item = this.#alternation()
    this.#flags = outer
    if (this.#text[this.#at] !== ')') throw new RegexpError('missing closing )', this.#text)
    this.#at++
    return index === undefined ? item : { kind: 'group', item, index }
  }

  #escape(): RegexpNode | undefined {
    const letter = this.#text[this.#at + 1]
    if (letter === undefined) throw new RegexpError('trailing backslash at end of expression', '')
    const assertions: Readonly<Record<string, 'text-start' | 'text-end' | 'word' | 'no-word'>> = {
      A: 'text-start',
      z: 'text-end',
      b: 'word',
      B: 'no-word',
    }
    const what = Object.hasOwn(assertions, letter) ? assertions[letter] : undefined
    if (what !== undefined) {
      this.#at += 2
      return { kind: 'assert', what }
    }
    if (letter === 'Q') {
      const end = this.#text.indexOf('\\E', this.#at)
      const literal = this.#text.slice(this.#at + 2, end < 0 ? undefined : end)
      this.#at = end < 0 ? this.#text.length : end + 2
      const items = [...literal].map(c => this.#literal(c.codePointAt(0) as number))
      return { kind: 'concat', items }
    }
    const test = this.#classEscape()
    return test === undefined ? this.#literal(this.#charEscape()) : this.#char(test)
  }

  /** `\d`, `\pL`, `\p{…}` and the like; `undefined` when the escape is a single character. */
  #classEscape(): CharTest | undefined {
    const letter = this.#text[this.#at + 1] as string
    const simple = perlClass(letter)
    if (simple !== undefined) {
      this.#at += 2
      return simple
    }
    if (letter !== 'p' && letter !== 'P') return undefined
    const match = /^\\[pP](?:\{([^}]*)\}|([^{]))/u.exec(this.#text.slice(this.#at))
    if (match === null) throw new RegexpError('invalid character class range', this.#text.slice(this.#at))
    this.#at += match[0].length
    return unicodeClass(match[1] ?? (match[2] as string), letter === 'P', match[0])
  }

  #charEscape(): number {
    const rest = this.#text.slice(this.#at)
    const hex = /^\\x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{2}))/.exec(rest)
    const octal = /^\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest)
    if (hex !== null || octal !== null) {
      const [written] = (hex ?? octal) as RegExpExecArray
      this.#at += written.length
      const code =
        hex === null
          ? Number.parseInt(written.slice(1), 8)
          : Number.parseInt(hex[1] ?? (hex[2] as string), 16)
      if (code > 0x10ffff) throw new RegexpError('invalid escape sequence', written)
      return code
    }
    const letter = rest[1] ?? ''
    const code = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined
    if (code === undefined && (letter === '' || /[A-Za-z0-9\u0080-\uffff]/.test(letter))) {
      if (letter === '') throw new RegexpError('trailing backslash at end of expression', '')
      throw new RegexpError('invalid escape sequence', rest.slice(0, 2))
    }
    this.#at += 2
    return code ?? letter.charCodeAt(0)
  }

  #bracket(): CharTest {
    const start = this.#at
    this.#at++
    const negated = this.#text[this.#at] === '^'
    if (negated) this.#at++
    const tests: CharTest[] = []
    for (let first = true; first || this.#text[this.#at] !== ']'; first = false) {
      if (this.#at >= this.#text.length) throw new RegexpError('missing closing ]', this.#text.slice(start))
      tests.push(this.#bracketItem())
    }
    this.#at++
    const fold = this.#flags.fold
    const any: CharTest = c => tests.some(t => t(c))
    const matched = fold ? foldCase(any) : any
    return negated ? c => !matched(c) : matched
  }

  #bracketItem(): CharTest {
    const rest = this.#text.slice(this.#at, this.#at + 16)
    const name = /^\[:(\^?[a-z]+):\]/.exec(rest)
    if (name !== null) {
      const test = namedClass(name[1] as string)
      if (test === undefined) throw new RegexpError('invalid character class range', name[0])
      this.#at += name[0].length
      return test
    }
    const from = this.#at
    if (rest.startsWith('\\') && rest.length > 1) {
      const test = this.#classEscape()
      if (test !== undefined) return test
    }
    const low = this.#bracketChar()
    if (this.#text[this.#at] !== '-' || this.#text[this.#at + 1] === ']' || this.#at + 1 >= this.#text.length)
      return c => c === low
    this.#at++
    const high = this.#bracketChar()
    if (high < low) throw new RegexpError('invalid character class range', this.#text.slice(from, this.#at))
    return c => c >= low && c <= high
  }

  #bracketChar(): number {
    return this.#text[this.#at] === '\\' ? this.#charEscape() : this.#next()
  }
}
