import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cleanPath, compilePatterns } from './pattern-matcher.ts'

/** pattern, path, whether they match */
const single: readonly (readonly [string, string, boolean])[] = [
  ['**', 'file', true],
  ['**', 'dir/file', true],
  ['**/', 'dir/file', true],
  ['**/**', 'dir/file', true],
  ['dir/**', 'dir/file', true],
  ['dir/**', 'dir/a/b', true],
  ['dir/**', 'dir', false],
  ['dir/**', 'dirx/file', false],
  ['**/dir2/*', 'dir/dir2/file', true],
  ['**/dir2/**', 'dir/dir2/dir3/file', true],
  ['**/file', 'file', true],
  ['**/file', 'a/b/file', true],
  ['**file', 'a/xfile', true],
  ['**/*.txt', 'a/b.txt', true],
  ['**/*.txt', 'b.txt', true],
  ['**/*.txt', 'b.txt2', false],
  ['a**b', 'axyb', false],
  ['a**b', 'ax/b', true],
  ['a/*/b', 'a/x/b', true],
  ['a/*/b', 'a/x/y/b', false],
  ['a/**/b', 'a/b', true],
  ['a/**/b', 'a/x/y/b', true],
  ['abc', 'abc', true],
  ['abc', 'abcd', false],
  ['a?c', 'abc', true],
  ['a?c', 'a/c', false],
  ['a\\*c', 'a*c', true],
  ['a\\*c', 'abc', false],
  ['[a-c]x', 'bx', true],
  ['[^a-c]x', 'bx', false],
  ['[^a-c]x', 'dx', true],
  ['[[:digit:]]x', '5x', true],
  ['[.]x', '.x', true],
  ['a.c', 'abc', false],
  ['a+(c)|{}$', 'a+(c)|{}$', true],
  ['*.go', 'x/y.go', false],
  ['x\\d', 'x7', true],
  ['ä*', 'äö', true],
  ['./a/../b', 'b', true],
  ['a/', 'a', true],
  ['  a  ', 'a', true],
  ['^foo*', 'foobar', true],
]

/** patterns, path, whether it ends up matched (by itself or below a matched directory) */
const lists: readonly (readonly [readonly string[], string, boolean])[] = [
  [['docs'], 'docs/a/b', true],
  [['*'], 'a/b/c', true],
  [['docs', '!docs/README.md'], 'docs/README.md', false],
  [['docs', '!docs/README.md'], 'docs/other', true],
  [['docs', '!docs', 'docs/x'], 'docs/x', true],
  [['*', '!a'], 'a/b/c', false],
  [['*', '!a', 'a/b'], 'a/b/c', true],
  [['!a'], 'a', false],
  [['**/node_modules', '!keep/node_modules'], 'keep/node_modules/x', false],
  [['', ' '], 'a', false],
]

describe('compilePatterns', () => {
  for (const [pattern, path, expected] of single) {
    it(`${expected ? 'matches' : 'does not match'} ${path} by ${pattern}`, () => {
      assert.equal(compilePatterns([pattern]).matchesBelow(path, [false]).matched, expected)
    })
  }

  for (const [patterns, path, expected] of lists) {
    it(`${expected ? 'takes' : 'leaves'} ${path} given ${JSON.stringify(patterns)}`, () => {
      const matcher = compilePatterns(patterns)
      assert.equal(matcher.matches(path), expected)
      let info: readonly boolean[] | undefined
      let matched = false
      const parts = path.split('/')
      for (let i = 1; i <= parts.length; i++) {
        const step = matcher.matchesBelow(parts.slice(0, i).join('/'), info)
        matched = step.matched
        info = step.info
      }
      assert.equal(matched, expected, 'walking down gives the same answer')
    })
  }

  it('refuses bad patterns when they are compiled', () => {
    for (const bad of ['[', 'a[', '[]a]', 'x[-b]', 'a\\']) {
      assert.throws(
        () => compilePatterns([bad]),
        { code: 'invalid-argument', message: 'syntax error in pattern' },
        bad,
      )
    }
    assert.throws(() => compilePatterns(['!']), { message: 'illegal exclusion pattern: "!"' })
  })

  it('refuses patterns that only Go regular expressions refuse when a path is asked', () => {
    const matcher = compilePatterns(['[z-a]'])
    assert.throws(() => matcher.matches('b'), { message: 'syntax error in pattern' })
    assert.throws(() => compilePatterns(['\\q']).matches('q'), { message: 'syntax error in pattern' })
  })

  it('says whether there are exceptions', () => {
    assert.equal(compilePatterns(['a', '!b']).hasExclusions, true)
    assert.deepEqual(
      compilePatterns(['a/./b/', '!b']).patterns.map(p => [p.text, p.exclusion]),
      [
        ['a/b', false],
        ['b', true],
      ],
    )
  })

  it('cleans paths as Go does', () => {
    for (const [path, clean] of [
      ['', '.'],
      ['a//b/', 'a/b'],
      ['../a', '../a'],
      ['/..', '/'],
      ['/', '/'],
    ] as const) {
      assert.equal(cleanPath(path), clean)
    }
  })
})
