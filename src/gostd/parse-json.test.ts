import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../../test/support/fuzz.ts'
import { type JsonNode, parseJson } from './parse-json.ts'

/** What was meant, without the form. */
function plain(node: JsonNode): unknown {
  if (node.kind === 'string') return node.text
  if (node.kind === 'array') return node.items.map(plain)
  if (node.kind === 'object') return Object.fromEntries(node.members.map(([key, one]) => [key, plain(one)]))
  return JSON.parse(node.raw)
}

describe('JSON texts', () => {
  it('mean what they mean everywhere', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom('', '  ', '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        assert.deepEqual(plain(parseJson(text)), JSON.parse(text))
      }),
    )
  })
  it('are refused where they are refused everywhere', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '1',
      '-',
      '.',
      'e',
      'true',
      'n',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), pieces => {
        const text = pieces.join('')
        let isValid = true
        try {
          JSON.parse(text)
        } catch {
          isValid = false
        }
        if (isValid) parseJson(text)
        else assert.throws(() => parseJson(text), { code: 'invalid-argument' })
      }),
    )
  })
  it('keep the form of numbers and every member', () => {
    const node = parseJson('{"a":1.50,"a":-0}')
    assert.ok(node.kind === 'object')
    assert.deepEqual(
      node.members.map(([key, { raw }]) => [key, raw]),
      [
        ['a', '1.50'],
        ['a', '-0'],
      ],
    )
  })
  const wrong: readonly (readonly [string, string])[] = [
    ['', 'unexpected end of JSON input'],
    ['[1', 'unexpected end of JSON input'],
    ['{,', "invalid character ',' looking for beginning of object key string"],
    ['{"a",', "invalid character ',' after object key"],
    ['{"a":1]', "invalid character ']' after object key:value pair"],
    ['[1}', "invalid character '}' after array element"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['-a', "invalid character 'a' in numeric literal"],
    ['1.a', "invalid character 'a' after decimal point in numeric literal"],
    ['1ea', "invalid character 'a' in exponent of numeric literal"],
    ['trye', "invalid character 'y' in literal true (expecting 'u')"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
    ['ä', "invalid character 'Ã' looking for beginning of value"],
    ['01', "invalid character '1' after top-level value"],
  ]
  for (const [text, message] of wrong) {
    it(`are refused in Go's words: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseJson(text), { message, code: 'invalid-argument' })
    })
  }
})
