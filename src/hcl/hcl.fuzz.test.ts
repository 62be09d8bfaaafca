import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../../test/support/fuzz.ts'
import type { Diagnostics } from './diagnostic.ts'
import type { EvalContext } from './eval/context.ts'
import { evaluate } from './eval/evaluate.ts'
import { standardFunctions } from './functions/standard-functions.ts'
import { parseJsonFile } from './json/parse-json.ts'
import { fileStart, type Range } from './position.ts'
import { RegexpError } from './regexp/syntax-tree.ts'
import { Regexp } from './regexp/regexp.ts'
import { parseExpressionText, parseNative, parseTemplateText } from './syntax/parse.ts'
import { decodeSource } from './syntax/source-text.ts'
import { scanTokens } from './syntax/scan.ts'
import { LimitError, newBudget } from './value/limit.ts'
import { convertValue, ConversionError } from './value/convert.ts'
import { asText, isWhollyKnown, listValue, mapValue, numberValue, stringValue } from './value/value.ts'
import {
  boolType,
  dynamicType,
  listType,
  mapType,
  numberType,
  setType,
  stringType,
  type Type,
} from './value/type.ts'
import { parseFloatText } from './value/big-float.ts'
import { valueToJson } from './value/json-value.ts'
import { parseJsonDocument } from './json/json-document.ts'
import { impliedValue } from './value/json-value.ts'

const host = { now: 0, home: '/root', random: (n: number) => new Uint8Array(n) }
const functions = standardFunctions(host)

const pieces = [
  'target',
  '"a"',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  '=',
  ' ',
  '\n',
  '\r\n',
  '"',
  '${',
  '%{',
  '~}',
  '~',
  'if',
  'for',
  'in',
  'else',
  'endif',
  'endfor',
  'x',
  'upper',
  '1',
  '1.5',
  '1e9',
  '-',
  '+',
  '*',
  '/',
  '%',
  '!',
  '&&',
  '||',
  '==',
  '!=',
  '<',
  '>',
  '<=',
  '?',
  ':',
  ',',
  '.',
  '...',
  '=>',
  '<<EOT\n',
  '<<-E\n',
  'EOT\n',
  'E\n',
  '#c\n',
  '//d\n',
  '/*e*/',
  '/*',
  '\\n',
  '\\u00e9',
  '\\q',
  '$',
  '$$',
  '$${',
  '%%{',
  '::',
  ';',
  "'",
  '`',
  '@',
  '\ufeff',
  'é',
  '𝒳',
  '\0',
  '\t',
  'null',
  'true',
  '[*]',
  '.*',
  '.0',
  '[0]',
  '{for k, v in x : k => v...}',
  '[for v in x : v]',
]

/** The bytes of a file. */
const source = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map(p => Buffer.from(p.join(''))),
  fc.string({ unit: 'binary', maxLength: 60 }).map(text => Buffer.from(text)),
  fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)),
)

/** Texts that are expressions. */
const expression: fc.Arbitrary<string> = fc.letrec<{ e: string }>(tie => ({
  e: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      '1',
      '0',
      '-2.5',
      '1e30',
      '"a"',
      '""',
      'true',
      'false',
      'null',
      'x',
      'm',
      'm.a',
      'l[0]',
      '[]',
      '{}',
      '"${x}-é"',
      '"2024-01-02T03:04:05Z"',
      '"10.0.0.0/8"',
      '"%s-%d"',
      '"[a-z]+"',
    ),
    fc
      .tuple(tie('e'), fc.constantFrom('+', '-', '*', '/', '%', '==', '!=', '<', '>=', '&&', '||'), tie('e'))
      .map(([a, o, b]) => `(${a} ${o} ${b})`),
    fc.tuple(tie('e'), tie('e'), tie('e')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc.array(tie('e'), { maxLength: 3 }).map(items => `[${items.join(', ')}]`),
    fc
      .array(fc.tuple(fc.constantFrom('a', 'b', '(x)', '"k"'), tie('e')), { maxLength: 3 })
      .map(items => `{${items.map(([k, v]) => `${k} = ${v}`).join(', ')}}`),
    tie('e').map(e => `[for v in ${e} : v]`),
    tie('e').map(e => `{for k, v in ${e} : k => v}`),
    tie('e').map(e => `(${e})[*]`),
    fc.tuple(tie('e'), tie('e')).map(([a, b]) => `(${a})[${b}]`),
    tie('e').map(e => `"\${${e}}!"`),
    tie('e').map(e => `"%{ if ${e} }y%{ else }n%{ endif }"`),
    fc
      .tuple(fc.constantFrom(...functions.keys()), fc.array(tie('e'), { maxLength: 4 }))
      .map(([f, args]) => `${f}(${args.join(', ')})`),
  ),
})).e

function context(): EvalContext {
  return {
    variables: new Map([
      ['x', stringValue('hello')],
      ['l', listValue([stringValue('a'), stringValue('b')], stringType)],
      ['m', mapValue(new Map([['a', stringValue('1')]]), stringType)],
    ]),
    functions,
    budget: newBudget(),
  }
}

describe('whatever the text', () => {
  it('is cut into tokens that cover it without a gap going backwards', () => {
    fc.assert(
      fc.property(source, bytes => {
        const text = decodeSource(bytes)
        let at = 0
        for (const token of scanTokens(text, 'f')) {
          assert.ok(token.range.start.byte >= at && token.range.end.byte >= token.range.start.byte)
          at = token.range.end.byte
        }
        assert.equal(at, bytes.length)
      }),
      { numRuns: 2000 },
    )
  })

  it('is parsed, or diagnosed inside the file', () => {
    fc.assert(
      fc.property(source, bytes => {
        const text = decodeSource(bytes)
        for (const parse of [
          (d: Diagnostics) => parseNative(text, 'f', d),
          (d: Diagnostics) => parseExpressionText(text, 'f', fileStart, d),
          (d: Diagnostics) => parseTemplateText(text, 'f', fileStart, d),
          (d: Diagnostics) => parseJsonFile(text, 'f', d),
        ]) {
          const diagnostics: Diagnostics = []
          parse(diagnostics)
          for (const { summary, subject } of diagnostics) {
            assert.notEqual(summary, '')
            if (subject !== undefined) inside(subject, bytes.length)
          }
        }
      }),
      { numRuns: 1500 },
    )
  })

  it('has a value or diagnostics when it is an expression', () => {
    fc.assert(
      fc.property(expression, text => {
        const diagnostics: Diagnostics = []
        const parsed = parseExpressionText(text, 'f', fileStart, diagnostics)
        assert.deepEqual(diagnostics, [], text)
        try {
          const value = evaluate(parsed, context(), diagnostics)
          if (diagnostics.length === 0 && isWhollyKnown(value))
            assert.equal(typeof roundTrip(value), 'boolean')
        } catch (e) {
          assert.ok(e instanceof LimitError, `${text}: ${String(e instanceof Error ? e.stack : e)}`)
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('is a pattern that matches as any other engine would, or refused', () => {
    const pattern = fc.array(
      fc.constantFrom(
        'a',
        'b',
        '.',
        '[ab]',
        '[^a]',
        'a*',
        'b+?',
        '(a|b)',
        '(?:ab)?',
        '^',
        '$',
        '\\d',
        '\\w',
        'x{2,3}',
        'a*?',
        '(b)',
        '|',
      ),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(
        pattern,
        fc.string({ unit: fc.constantFrom('a', 'b', 'x', '1', '-'), maxLength: 12 }),
        (parts, text) => {
          const whole = parts.join('')
          const ours = new Regexp(whole).find(text)
          const theirs = new RegExp(whole, 'u').exec(text)
          assert.equal(ours === undefined, theirs === null, whole)
        },
      ),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(...'ab(){}[]*+?|\\^$.-:<>P=!i0129,dDwWsSbBpLzAQE'.split('')),
          maxLength: 15,
        }),
        text => {
          try {
            new Regexp(text).find('abc012 \n')
          } catch (e) {
            assert.ok(e instanceof RegexpError, text)
          }
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('is JSON that reads as JSON.parse reads it, or refused', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), text => {
        const distinct = JSON.parse(valueToJson(impliedValue(parseJsonDocument(text)))) as unknown
        assert.deepEqual(distinct, JSON.parse(text))
      }),
    )
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'{}[]":,0-9.eE+ntrufalse\\ '.split('')), maxLength: 20 }),
        text => {
          try {
            parseJsonDocument(text)
          } catch (e) {
            assert.ok(e instanceof ConversionError, text)
            assert.throws(() => JSON.parse(text) as unknown, text)
            return
          }
          assert.doesNotThrow(() => JSON.parse(text) as unknown, text)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('whatever the number', () => {
  it('is written so that it reads as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), n => {
        const parsed = parseFloatText(String(n))
        assert.ok(parsed !== undefined)
        const text = asText(convertValue(numberValue(parsed), stringType))
        assert.equal(Object.is(Number(text), n) || Number(text) === n, true, `${n} was written ${text}`)
      }),
      { numRuns: 500 },
    )
  })
})

describe('whatever the type', () => {
  const type: fc.Arbitrary<Type> = fc.letrec<{ t: Type }>(tie => ({
    t: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(stringType, numberType, boolType, dynamicType),
      tie('t').map(listType),
      tie('t').map(setType),
      tie('t').map(mapType),
    ),
  })).t

  it('a value converts to it, or the conversion says why not', () => {
    fc.assert(
      fc.property(expression, type, (text, want) => {
        const diagnostics: Diagnostics = []
        try {
          const value = evaluate(
            parseExpressionText(text, 'f', fileStart, diagnostics),
            context(),
            diagnostics,
          )
          convertValue(value, want)
        } catch (e) {
          assert.ok(e instanceof ConversionError || e instanceof LimitError, `${text}: ${String(e)}`)
        }
      }),
      { numRuns: 1500 },
    )
  })
})

function inside(range: Range, size: number): void {
  assert.ok(range.start.byte >= 0 && range.end.byte <= size + 1 && range.start.byte <= range.end.byte)
  assert.ok(range.start.line >= 1 && range.start.column >= 1)
}

/** Writes a value as JSON where JSON can say it. */
function roundTrip(value: Parameters<typeof valueToJson>[0]): boolean {
  try {
    JSON.parse(valueToJson(value))
    return true
  } catch (e) {
    assert.ok(e instanceof ConversionError, String(e))
    return false
  }
}
