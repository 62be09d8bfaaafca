import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeStatement } from './decode-statement.ts'

const decode = (text: string): ReturnType<typeof decodeStatement> => decodeStatement(Buffer.from(text))

describe('statements of scanners', () => {
  it('are read by their names in any case; unknown ones, and null, say nothing', () => {
    const subject = '[{"name":"n","digest":{"sha256":"aa"}},null]'
    const read = decode(
      `\n{"PredicateType":"p","x":1,"subject":${subject},"predicate":{"b":1.50,"a":[null]}}\n`,
    )
    assert.deepEqual(read, {
      predicateType: 'p',
      subjects: [
        { kind: 'raw', name: 'n', digests: ['sha256:aa'] },
        { kind: 'raw', name: '', digests: [] },
      ],
      predicate: new Map<string, unknown>([
        ['b', 1.5],
        ['a', [null]],
      ]),
    })
    const nothing = { predicateType: '', subjects: [], predicate: null }
    assert.deepEqual(decode('null'), nothing)
    assert.deepEqual(decode('{"predicateType":null,"subject":null}'), nothing)
  })

  // Recorded with BuildKit 0.32.2.
  const field = 'json: cannot unmarshal number into Go struct field'
  const wrong: readonly (readonly [string, string])[] = [
    ['', 'EOF'],
    ['{', 'unexpected EOF'],
    ['hello', "invalid character 'h' looking for beginning of value"],
    ['[]', 'json: cannot unmarshal array into Go value of type in_toto.Statement'],
    ['5', 'json: cannot unmarshal number into Go value of type in_toto.Statement'],
    ['{"_type":5}', `${field} Statement.StatementHeader._type of type string`],
    ['{"predicateType":5}', `${field} Statement.StatementHeader.predicateType of type string`],
    [
      '{"subject":{}}',
      'json: cannot unmarshal object into Go struct field Statement.StatementHeader.subject of type []in_toto.Subject',
    ],
    ['{"subject":[5]}', `${field} Statement.StatementHeader.subject of type in_toto.Subject`],
    ['{"subject":[{"name":5}]}', `${field} Subject.StatementHeader.subject.name of type string`],
    [
      '{"subject":[{"digest":5}]}',
      `${field} Subject.StatementHeader.subject.digest of type common.DigestSet`,
    ],
    [
      '{"subject":[{"digest":{"sha256":5}}]}',
      `${field} Subject.StatementHeader.subject.digest of type string`,
    ],
  ]
  for (const [text, message] of wrong) {
    it(`are refused: ${JSON.stringify(text)}`, () => {
      assert.throws(() => decode(text), {
        code: 'invalid-argument',
        message: `cannot decode in-toto statement: ${message}`,
      })
    })
  }

  it('are alone in their files', () => {
    for (const rest of ['{"a":1}', ' {', ' x']) {
      assert.throws(() => decode(`{"predicateType":"p"}${rest}`), {
        message: 'in-toto statement is not a single JSON object',
      })
    }
  })
})
