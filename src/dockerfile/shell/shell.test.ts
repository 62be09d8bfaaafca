import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Lexer } from './lexer.ts'
import { variablesOf } from './variables.ts'

const variables = variablesOf(['A=aXbXc', 'E=', 'P=/usr/local/bin', 'S=x  y', 'D=a.b.c'])
const word = (text: string): string => new Lexer().word(text, variables)

const cases: Readonly<Record<string, string>> = {
  'plain text': 'plain text',
  $A: 'aXbXc',
  '${A}1': 'aXbXc1',
  '$none-': '-',
  '\\$A': '$A',
  "'$A'": '$A',
  '"$A"': 'aXbXc',
  '"\\a\\"\\$A"': '\\a"$A',
  $: '$',
  $1a: 'a',
  '${U:-w}': 'w',
  '${U-w}': 'w',
  '${E:-w}': 'w',
  '${E-w}': '',
  '${A:+w}': 'w',
  '${E:+w}': '',
  '${E+w}': 'w',
  '${U:-${A:+$P}}': '/usr/local/bin',
  '${A?m}': 'aXbXc',
  '${A#*X}': 'bXc',
  '${A##*X}': 'c',
  '${A%X*}': 'aXb',
  '${A%%X*}': 'a',
  '${A#a?b}': 'Xc',
  '${D#a\\*}': 'a.b.c',
  '${A/X/-}': 'a-bXc',
  '${A//X/-}': 'a-b-c',
  '${A//X*c/-}': 'a-',
  '${P//\\//_}': '_usr_local_bin',
  '${D//./}': 'abc',
  '${A//b/<\\$0>}': 'aX<\\b>Xc',
  '${U//b/c}': '',
  'a<<b': 'a<<b',
}

const failures: Readonly<Record<string, string>> = {
  '${U?}': 'U: is not allowed to be unset',
  '${U?my words}': 'U: my words',
  '${E:?}': 'E: is not allowed to be empty',
  '${A:%}': 'unsupported modifier (:%) in substitution',
  '${A!}': 'unsupported modifier (!) in substitution',
  '${}': 'syntax error: bad substitution',
  '${A': 'unsupported modifier (\ufffd) in substitution',
  '${A:-b': "syntax error: missing '}'",
  '${A/b}': "syntax error: missing '/' in ${}",
  '${A#\\a}': "invalid pattern (\\a) in substitution: invalid escape '\\a'",
  "'a": 'unexpected end of statement while looking for matching single-quote',
  '"a': 'unexpected end of statement while looking for matching double-quote',
}

describe('Lexer', () => {
  for (const [text, expected] of Object.entries(cases)) {
    it(`expands ${text} to ${JSON.stringify(expected)}`, () => assert.equal(word(text), expected))
  }

  for (const [text, message] of Object.entries(failures)) {
    it(`refuses ${text}`, () => {
      const quoted = JSON.stringify(text).replace('\ufffd', '')
      assert.throws(() => word(text), {
        code: 'invalid-argument',
        message: `failed to process ${quoted}: ${message}`,
      })
    })
  }

  it('splits at white space after expansion, not inside quotes', () => {
    const words = new Lexer().words('a $S "b c"  d\\ e x${U:-y z}', variables)
    assert.deepEqual(words, ['a', 'x', 'y', 'b c', 'd e', 'xy', 'z'])
  })

  it('says which names were used', () => {
    const { matched, unmatched } = new Lexer().process("$A ${U:-$V} '$W' \\$X", variables)
    assert.deepEqual([[...matched], [...unmatched]], [['A'], ['V', 'U']])
  })

  it('leaves unknown names alone where it is told to, quotes and escapes too', () => {
    const lexer = new Lexer({ skipUnset: true, rawQuotes: true, rawEscapes: true })
    assert.equal(lexer.word('"$A" $U ${U:-x} \\$A', variables), '"aXbXc" $U ${U:-x} \\$A')
  })

  it('takes a backtick as the escape character where the file says so', () => {
    assert.equal(new Lexer({ escape: '`' }).word('C:\\x`$A', variables), 'C:\\x$A')
  })

  it('refuses substitutions nested beyond measure', () => {
    const text = '${U:-'.repeat(100_000)
    assert.throws(() => word(text), { code: 'invalid-argument' })
  })

  it('needs no time that grows with the stars of a pattern', () => {
    const long = variablesOf([`L=${'a'.repeat(5000)}`])
    assert.equal(new Lexer().word(`\${L##${'*a'.repeat(50)}b}`, long).length, 5000)
  })
})
