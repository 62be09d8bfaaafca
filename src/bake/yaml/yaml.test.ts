import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../../../test/support/fuzz.ts'
import { YamlError } from './mark.ts'
import { parseYamlDocuments } from './parse-documents.ts'
import { resolveScalar } from './resolve-scalar.ts'
import type { YamlNode } from './yaml-node.ts'

function plain(node: YamlNode): unknown {
  switch (node.kind) {
    case 'scalar': {
      const value = resolveScalar(node)
      return typeof value === 'bigint' ? Number(value) : value
    }
    case 'sequence':
      return node.items.map(plain)
    case 'mapping':
      return Object.fromEntries(node.pairs.map(([key, value]) => [String(plain(key)), plain(value)]))
    case 'alias':
      return plain(node.target)
    default:
      return node satisfies never
  }
}

const documents = (text: string): unknown[] => [...parseYamlDocuments(text)].map(plain)

/** Texts and what they are, as Go's library reads them. */
const texts: readonly (readonly [text: string, ...documents: unknown[]])[] = [
  [''],
  ['# nothing\n'],
  ['a: 1\nb: [x, y]\n', { a: 1, b: ['x', 'y'] }],
  ['- a\n- - b\n  - c\n-\n', ['a', ['b', 'c'], null]],
  ['a:\n- 1\n- 2\nb: 3\n', { a: [1, 2], b: 3 }],
  ['# x\n\t# tab\nb: z#w # y\n', { b: 'z#w' }],
  ['{a: 1, "b":2, c, ? d : 4}', { a: 1, b: 2, c: null, d: 4 }],
  ['[a: b, c]', [{ a: 'b' }, 'c']],
  ['{\t"a":\t1\n}', { a: 1 }],
  ['a: one\n  two\n\n  three\n', { a: 'one two\nthree' }],
  ['a: "x\\\n  y\\t\\u00e9\\x41"\n', { a: 'xy\té' + 'A' }],
  ["a: 'it''s\n  here'\n", { a: "it's here" }],
  ['a: |\n  x\n   y\n\n  z\n\n', { a: 'x\n y\n\nz\n' }],
  ['a: >-\n  x\n  y\n\n  z\n   q\n', { a: 'x y\nz\n q' }],
  ['a: |+\n  x\n\nb: |2-\n    y\n', { a: 'x\n\n', b: '  y' }],
  ['a: &x {k: v}\nb: *x\n', { a: { k: 'v' }, b: { k: 'v' } }],
  ['? a\n: b\n', { a: 'b' }],
  ['--- a\n...\n---\nb: 1\n', 'a', { b: 1 }],
  ['%TAG !h! tag:yaml.org,2002:\n--- !h!str 5\n', '5'],
  ['a: !!str 5\nb: !!int "6"\nc: !!float 7\nd: !x 8\ne: ! 9\n', { a: '5', b: 6, c: 7, d: '8', e: 9 }],
  [
    '[~, null, true, yes, 0x1f, 0o17, 017, 08, 1_000, 1e3, .5, -0, +1]',
    [null, null, true, 'yes', 31, 15, 15, 8, 1000, 1000, 0.5, -0, 1],
  ],
]

/** Texts and what is wrong with them, in the words of Go's library. */
const errors: readonly (readonly [text: string, message: string])[] = [
  ['a: b: c', 'line 1, column 5: mapping values are not allowed in this context'],
  ['a:\n\t- b', 'while scanning for the next token at line 2: found character that cannot start any token'],
  [
    'a: b\n\tc',
    'while scanning a plain scalar at line 1, column 4: line 2: found a tab character that violates indentation',
  ],
  [
    'a: "b',
    'while scanning a quoted scalar at line 1, column 4: line 1, column 6: found unexpected end of stream',
  ],
  [
    'x: 1\na: [b',
    "while parsing a flow sequence at line 1, column 4: line 2: did not find expected ',' or ']'",
  ],
  [
    'a: @b',
    'while scanning for the next token at line 1, column 4: found character that cannot start any token',
  ],
  ['x: 1\na: *b', "line 2, column 5: unknown anchor 'b' referenced"],
  ['a: - b', 'line 1, column 4: block sequence entries are not allowed in this context'],
  ['%YAML 1.2\n--- a', '<unknown position>: found incompatible YAML document'],
  ['a: !h!x b', 'while parsing a node at <unknown position>: found undefined tag handle'],
  [
    'a: "\\q"',
    'while scanning a quoted scalar at line 1, column 4: line 1, column 5: found unknown escape character',
  ],
  [
    'a: |0\n b',
    'while scanning a block scalar at line 1, column 4: line 1, column 5: found an indentation indicator equal to 0',
  ],
  ['a: b\u0001', 'offset 4: control characters are not allowed'],
  ['{"\uFFFE": 1}', 'offset 2: control characters are not allowed'],
  ['a: !!int x', 'cannot construct !!str `x` as a !!int'],
]

describe('YAML', () => {
  for (const [text, ...expected] of texts)
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(documents(text), expected))

  for (const [text, message] of errors)
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => documents(text), { message }))

  it('reads any JSON as what it is, but for the two characters that YAML does not have', () => {
    const values = fc.jsonValue({ noUnicodeString: false })
    fc.assert(
      fc.property(values, value => {
        const text = JSON.stringify(value, null, 1)
        fc.pre(!/[\uFFFE\uFFFF]/.test(text))
        assert.deepEqual(documents(text), [JSON.parse(text)])
      }),
      { numRuns: 300 },
    )
  })

  it('reads anything or says what is wrong with it', () => {
    const pieces = [
      'a',
      ': ',
      '\n',
      '  ',
      '- ',
      '? ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '|',
      '>-',
      '&x ',
      '*x',
      '!t ',
    ]
    const more = ['!!int ', '#', '\t', '---', '...', '%YAML', '\\', '\u2028', '\u0000', '@', '1', '<<']
    const soup = fc.array(fc.oneof(fc.constantFrom(...pieces, ...more), fc.string({ maxLength: 3 })))
    fc.assert(
      fc.property(soup, parts => {
        try {
          documents(parts.join(''))
        } catch (error) {
          assert.ok(error instanceof YamlError, String(error))
        }
      }),
      { numRuns: 3000 },
    )
  })
})
