import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseDotEnv } from './dotenv.ts'
import { interpolate, substitute } from './interpolate.ts'
import { mergeCompose } from './merge-compose.ts'
import { parseComposeYaml } from './parse-yaml.ts'
import { timestampText } from './timestamp.ts'
import { isYamlMap, type YamlMap, type YamlValue } from './yaml-value.ts'

const values = new Map([
  ['A', 'a'],
  ['E', ''],
])
const lookup = (name: string): string | undefined => values.get(name)

describe('variables in compose files', () => {
  it('are replaced in all the forms of the specification', () => {
    const vectors: readonly (readonly [string, string])[] = [
      ['$A-${A}-$$A', 'a-a-$A'],
      ['${X:-d}${X-d}${E:-d}${E-d}', 'ddd'],
      ['${A:+s}${A+s}${E:+s}${E+s}${X+s}', 'sss'],
      ['${X:-${Y:-${A}}}', 'a'],
      ['${A:?no}', 'a'],
      ['$ $1 a$', '$ $1 a$'],
      ['$X', ''],
    ]
    for (const [text, expected] of vectors) assert.equal(substitute(text, lookup), expected, text)
  })

  it('that are required are asked for, with the place', () => {
    const document: YamlValue = new Map([['a', new Map([['b', '${X:?say it}']])]])
    assert.throws(() => interpolate(document, lookup), {
      code: 'invalid-argument',
      message: /required variable X is missing a value: say it/,
    })
    assert.throws(() => interpolate(new Map([['a', '${X']]), lookup), {
      code: 'invalid-argument',
      message: /invalid interpolation format/,
    })
  })
})

describe('an env file', () => {
  it('has quoted, unquoted, exported and inherited values and comments', () => {
    const text = [
      '# c',
      'A=1 # note',
      "B='$A \\n'",
      'C="x\\n$A\\$"',
      'export D = d ',
      'E2=${A}-${D:-q}#x',
      'F: yaml',
      'A',
      'M="1',
      '2"',
      'K.L-M[0]=k',
    ].join('\r\n')
    assert.deepEqual(Object.fromEntries(parseDotEnv(text, n => (n === 'A' ? 'env' : undefined))), {
      A: 'env',
      B: '$A \\n',
      C: 'x\nenv$',
      D: 'd',
      E2: 'env-d#x',
      F: 'yaml',
      M: '1\n2',
      'K.L-M[0]': 'k',
    })
  })

  it('is refused with the line', () => {
    const vectors: readonly (readonly [string, string])[] = [
      ['A=${bad', 'Invalid template: "${bad"'],
      ['A="unclosed\n', 'line 2: unterminated quoted value "unclosed'],
      ['A=1\nA$=1\n', 'line 2: unexpected character "$" in variable name "A$=1"'],
      ['A=1\nB C\n', 'line 2: key cannot contain a space'],
      ['A=${X:?needed}\n', 'required variable X is missing a value: needed'],
    ]
    for (const [text, message] of vectors) {
      assert.throws(() => parseDotEnv(text, () => undefined), { code: 'invalid-argument', message }, text)
    }
  })
})

describe('YAML', () => {
  const read = (text: string): YamlMap => {
    const [document] = [...parseComposeYaml(text, 'f')]
    return isYamlMap(document?.value) ? document.value : assert.fail(text)
  }

  it('merges what an anchor stands for under the keys that stand there', () => {
    const value = read('b: &b {x: 1, y: 2}\nc:\n  x: 5\n  <<: *b\n')
    assert.deepEqual(
      value.get('c'),
      new Map([
        ['x', 5n],
        ['y', 2n],
      ]),
    )
  })

  it('keeps whole numbers whole and names times as Go does', () => {
    const value = read(
      'n: 12345678901234567890\nt: 2024-01-02\nu: 2024-01-02T03:04:05.600+02:00\nq: "2024-01-02"\n',
    )
    assert.equal(value.get('n'), 12345678901234567890n)
    assert.equal(value.get('t'), '2024-01-02 00:00:00 +0000 UTC')
    assert.equal(value.get('u'), '2024-01-02 03:04:05.6 +0200 +0200')
    assert.equal(value.get('q'), '2024-01-02')
    assert.equal(timestampText('2024-02-31'), undefined)
  })

  it('is told of keys given twice and anchors that are not there', () => {
    assert.throws(() => read('a: 1\nb: 2\na: 3\n'), {
      message:
        'failed to parse f: yaml: construct errors:\n  line 1: line 3: mapping key "a" already defined at line 1',
    })
    assert.throws(() => read('a: *b\n'), {
      message: "failed to parse f: yaml: line 1, column 5: unknown anchor 'b' referenced",
    })
  })
})

describe('later compose files', () => {
  const read = (text: string): YamlMap => {
    const value = [...parseComposeYaml(text, 'f')][0]?.value
    return isYamlMap(value) ? value : assert.fail(text)
  }

  it('add to lists and mappings and replace what is one value', () => {
    const merged = mergeCompose(
      read('services: {a: {image: x, build: {args: {A: 1}, tags: [t]}}}'),
      read('services: {a: {image: y, build: {args: [B=2], tags: [u]}}}'),
    )
    const build = new Map<string, YamlValue>([
      ['args', ['A=1', 'B=2']],
      ['tags', ['t', 'u']],
    ])
    assert.deepEqual(
      merged,
      new Map([
        [
          'services',
          new Map([
            [
              'a',
              new Map<string, YamlValue>([
                ['image', 'y'],
                ['build', build],
              ]),
            ],
          ]),
        ],
      ]),
    )
  })

  it('may not put a value of another kind in the place of a list', () => {
    assert.throws(
      () => mergeCompose(read('services: {a: {ports: [1]}}'), read('services: {a: {ports: {b: 1}}}')),
      {
        message: 'cannot override services.a.ports',
      },
    )
  })
})
