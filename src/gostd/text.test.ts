import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { csvFields, csvLine, csvRecord } from './csv.ts'
import { filepathMatch } from './filepath-match.ts'
import { goJson, sortKeys } from './json.ts'
import { quote, quoteRune, quoteToAscii } from './quote.ts'
import { shlexSplit } from './shlex.ts'
import { tabulate } from './tabwriter.ts'
import { unquote } from './unquote.ts'

describe('quote and unquote', () => {
  const vectors: readonly (readonly [string, string])[] = [
    ['\x07\b\f\r\n\t\v', '"\\a\\b\\f\\r\\n\\t\\v"'],
    ['\\', '"\\\\"'],
    ['\u263a', '"\u263a"'],
    ['\u{10ffff}', '"\\U0010ffff"'],
    ['\x04\x7f', '"\\x04\\x7f"'],
    ['a"b\'c', '"a\\"b\'c"'],
    ['\u00ad\ufeff', '"\\u00ad\\ufeff"'],
    ['\u{1f600} \u00e9', '"\u{1f600} \u00e9"'],
  ]

  it('write Go literals and read them back', () => {
    for (const [text, literal] of vectors) {
      assert.equal(quote(text), literal)
      assert.equal(unquote(literal), text)
    }
    assert.equal(quoteRune("'"), "'\\''")
    assert.equal(quoteRune('x'), "'x'")
    assert.equal(quoteToAscii('\u00e9\u{1f600}'), '"\\u00e9\\U0001f600"')
    assert.equal(unquote('`a\\n\r`'), 'a\\n')
    assert.equal(unquote('"\\xc3\\xa9\\101"'), '\u00e9A')
  })

  it('refuse what is no literal', () => {
    for (const text of [
      '',
      '"',
      '"a',
      "'ab'",
      '"\\\'"',
      '"\\q"',
      '"a"b"',
      '"\n"',
      '"\\ud800"',
      '"\\400"',
      'a',
    ]) {
      assert.throws(() => unquote(text), { code: 'invalid-argument', message: 'invalid syntax' }, text)
    }
  })
})

describe('csv', () => {
  it('reads fields with quotes', () => {
    assert.deepEqual(csvFields('type=local,dest=out'), ['type=local', 'dest=out'])
    assert.deepEqual(csvFields('"a,b",c,"d ""e"""'), ['a,b', 'c', 'd "e"'])
    assert.deepEqual(csvFields('a,,'), ['a', '', ''])
    assert.deepEqual(csvFields('""'), [''])
    assert.deepEqual(csvFields('a\r\n'), ['a'])
    assert.deepEqual(csvFields('"a\nb"'), ['a\nb'])
    assert.deepEqual(csvRecord('\n\na,"b\nc"\nd'), ['a', 'b\nc'])
  })

  it('complains as Go does', () => {
    const vectors: readonly (readonly [string, string])[] = [
      ['', 'EOF'],
      ['a"b', 'parse error on line 1, column 2: bare " in non-quoted-field'],
      ['\u00e9,x"', 'parse error on line 1, column 5: bare " in non-quoted-field'],
      ['"a"b', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'],
      ['"a', 'parse error on line 1, column 2: extraneous or missing " in quoted-field'],
    ]
    for (const [text, message] of vectors) {
      assert.throws(() => csvFields(text), { code: 'invalid-argument', message }, text)
    }
  })

  it('writes what needs quotes in quotes', () => {
    assert.equal(csvLine(['a', 'b,c', 'd"e', '', ' f', 'g\nh']), 'a,"b,c","d""e",," f","g\nh"')
  })
})

describe('filepathMatch', () => {
  it('agrees with the vectors of path/filepath', () => {
    const yes = `abc:abc *:abc *c:abc a*:a a*:abc a*/b:abc/b a*b*c*d*e*/f:axbxcxdxe/f a*b?c*x:abxbbxdbxebxczzx ab[c]:abc
      ab[b-d]:abc [a\\-b]:a [x\\-]:x [x\\-]:- [\\-x]:x [\\-x]:- a[^a]b:a\u263ab a???b:ax\u263ayb *x:xxx a[^b]c:a/c
      [!a]:! \\*:* \\**:*x`
    const no = `a*:ab/c a*/b:a/c/b a*b*c*d*e*/f:axbxcxdxe/xxx/f a*b?c*x:abxbbxdbxebxczzy ab[e-g]:abc ab[^c]:abc
      ab[^b-d]:abc a???b:abb [a-\u03b6]*:A a?b:a/b a*b:a/b [x\\-]:z *x:xxy *:a/b`
    const pairs = (list: string): string[][] => list.split(/\s+/).map(pair => pair.split(/:(?=[^:]*$)/))
    for (const [pattern = '', name = ''] of pairs(yes))
      assert.equal(filepathMatch(pattern, name), true, pattern)
    for (const [pattern = '', name = ''] of pairs(no))
      assert.equal(filepathMatch(pattern, name), false, pattern)
  })

  it('refuses malformed patterns even when the name differs earlier', () => {
    for (const pattern of [
      '[]a]',
      '[-]',
      '[x-]',
      '[-x]',
      '[a-b-c]',
      '[',
      '[^',
      '[^bc',
      'a[',
      '\\',
      'q[a-',
      '[a-b-d]',
    ]) {
      assert.throws(() => filepathMatch(pattern, 'zzz'), { message: 'syntax error in pattern' }, pattern)
    }
  })
})

describe('shlexSplit', () => {
  it('splits words, quotes, escapes and comments', () => {
    assert.deepEqual(shlexSplit(`one "two 'three' \\"x\\"" 'fo"ur' # five\nsix`), [
      'one',
      `two 'three' "x"`,
      'fo"ur',
      'six',
    ])
    assert.deepEqual(shlexSplit('a\\ b c#d  ""'), ['a b', 'c#d', ''])
    assert.deepEqual(shlexSplit('  '), [])
    assert.throws(() => shlexSplit(`"a`), { message: 'EOF found when expecting closing quote' })
    assert.throws(() => shlexSplit('a\\'), { message: 'EOF found after escape character' })
  })
})

describe('tabulate', () => {
  it('aligns the columns of consecutive lines', () => {
    assert.equal(tabulate('a\tb\tc\naaaa\tbb\tcc\n', { padding: 3 }), 'a      b    c\naaaa   bb   cc\n')
    assert.equal(tabulate('NAME\tX\n', { minWidth: 10, padding: 3 }), 'NAME      X\n')
    assert.equal(tabulate('a\tb\n\naaaa\tb\n'), 'a b\n\naaaa b\n')
    assert.equal(tabulate('a:\t1\nbbb:\t2\nc\nd:\t3', {}), 'a:   1\nbbb: 2\nc\nd: 3')
    assert.equal(
      tabulate('Reclaimable:\t1B\nTotal:\t2B\n', { minWidth: 1, tabs: true }),
      'Reclaimable:\t1B\nTotal:\t\t2B\n',
    )
  })
})

describe('goJson', () => {
  it('escapes and indents as encoding/json', () => {
    assert.equal(
      goJson('<a>&\u2028"\\\u0001\b\t\x7f\ud800'),
      '"\\u003ca\\u003e\\u0026\\u2028\\"\\\\\\u0001\\b\\t\x7f\ufffd"',
    )
    assert.equal(goJson('<', { escapeHtml: false }), '"<"')
    const value = { b: [1, 2n ** 63n, true, null], a: {}, c: [], d: undefined, e: new Uint8Array([1, 2]) }
    assert.equal(goJson(value), '{"b":[1,9223372036854775808,true,null],"a":{},"c":[],"e":"AQI="}')
    assert.equal(
      goJson({ a: { b: [1] }, c: {} }, { indent: '  ', prefix: '>' }),
      '{\n>  "a": {\n>    "b": [\n>      1\n>    ]\n>  },\n>  "c": {}\n>}',
    )
    assert.equal(goJson(1e21), '1e+21')
    assert.equal(goJson(1e-7), '1e-7')
  })

  it('sorts keys by bytes where it is told to', () => {
    assert.equal(
      goJson(sortKeys({ b: 1, 10: 2, 9: 3, a: { z: 1, y: 2 } })),
      '{"10":2,"9":3,"a":{"y":2,"z":1},"b":1}',
    )
  })
})
