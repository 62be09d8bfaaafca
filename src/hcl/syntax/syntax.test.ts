import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BodySchema } from '../body.ts'
import { type Diagnostics, diagnosticsToError, formatDiagnostic, formatDiagnostics } from '../diagnostic.ts'
import { parseJsonFile } from '../json/parse-json.ts'
import { JsonReader } from '../json/json-reader.ts'
import { MergedBody } from '../merged-body.ts'
import { fileStart, formatRange } from '../position.ts'
import { NativeReader } from './native-reader.ts'
import { parseExpressionText, parseNative } from './parse.ts'
import { scanTokens } from './scan.ts'
import { decodeSource } from './source-text.ts'

const schema: BodySchema = {
  attributes: [{ name: 'a' }, { name: 'b' }],
  blocks: [{ type: 'block', labels: ['name'] }],
}

function read(text: string, wanted: BodySchema = schema): { messages: string[]; found: string[] } {
  const diagnostics: Diagnostics = []
  const body = new NativeReader(parseNative(text, 'f.hcl', diagnostics))
  const content = body.content(wanted, diagnostics)
  return {
    messages: diagnostics.map(formatDiagnostic),
    found: [...content.attributes.keys(), ...content.blocks.map(b => `${b.type} ${b.labels.join(' ')}`)],
  }
}

describe('the scanner', () => {
  it('gives bytes, lines and columns, where a column is what a reader sees as one character', () => {
    const [name, , value] = scanTokens('å = "👩‍👩‍👧é" # c\nb', 'f')
    assert.equal(formatRange(name?.range ?? assert.fail()), 'f:1,1-2')
    assert.deepEqual(name?.range.end, { byte: 2, line: 1, column: 2 })
    assert.equal(value?.kind, 'open-quote')
    const literal = scanTokens('"👩‍👩‍👧é"', 'f')[1]
    assert.equal(formatRange(literal?.range ?? assert.fail()), 'f:1,2-4')
    assert.equal(literal?.range.end.byte, 1 + 18 + 2)
  })

  it('keeps bytes that are no UTF-8 as one token each', () => {
    const tokens = scanTokens(decodeSource(Uint8Array.of(0x61, 0xff, 0xfe)), 'f')
    assert.deepEqual(
      tokens.map(t => [t.kind, t.range.start.byte]),
      [
        ['identifier', 0],
        ['bad-utf8', 1],
        ['bad-utf8', 2],
        ['eof', 3],
      ],
    )
  })

  it('ends a heredoc at its marker only when that stands alone on a line', () => {
    const kinds = scanTokens('a = <<E\nE x\n  E\nb\n', 'f').map(t => t.kind)
    assert.deepEqual(kinds.slice(2, 5), ['open-heredoc', 'string-literal', 'close-heredoc'])
  })
})

describe('a file', () => {
  it('is read through a schema', () => {
    assert.deepEqual(read('a = 1\nblock "x" {\n}\nblock y {}\n'), {
      messages: [],
      found: ['a', 'block x', 'block y'],
    })
  })

  it('is told what it has too much of, with a suggestion where a name is nearly right', () => {
    assert.deepEqual(read('other = 1\nblok "x" {}\n').messages, [
      'f.hcl:1,1-6: Unsupported argument; An argument named "other" is not expected here.',
      'f.hcl:2,1-5: Unsupported block type; Blocks of type "blok" are not expected here. Did you mean "block"?',
    ])
  })

  it('is told what it lacks', () => {
    const wanted: BodySchema = { attributes: [{ name: 'a', required: true }], blocks: [] }
    assert.deepEqual(read('\n', wanted).messages, [
      'f.hcl:1,1-1: Missing required argument; The argument "a" is required, but no definition was found.',
    ])
  })

  it('may be read a part at a time', () => {
    const diagnostics: Diagnostics = []
    const body = new NativeReader(parseNative('a = 1\nc = 2\n', 'f.hcl', diagnostics))
    const { content, remain } = body.partialContent(schema, diagnostics)
    assert.deepEqual([...content.attributes.keys()], ['a'])
    assert.deepEqual([...remain.justAttributes(diagnostics).keys()], ['c'])
    assert.deepEqual(diagnostics, [])
  })

  it('gives several problems at once, the first of them as the message', () => {
    const diagnostics: Diagnostics = []
    parseNative('a = (\nb = 1 2\n', 'f.hcl', diagnostics)
    assert.match(formatDiagnostics(diagnostics), /^f\.hcl:\d+,\d+-\d+(?:,\d+)?: [A-Z][^;]*; .*$/)
    const data = Buffer.from('a = (\nb = 1 2\n')
    const error = diagnosticsToError(diagnostics, [{ name: 'f.hcl', data }])
    assert.equal(error.code, 'invalid-argument')
    assert.equal(error.message, formatDiagnostics(diagnostics))
  })

  it('stays one definition when it is merged with others', () => {
    const diagnostics: Diagnostics = []
    const native = new NativeReader(parseNative('a = 1\nblock "x" {}', 'f.hcl', diagnostics))
    const json = new JsonReader(parseJsonFile('{"b": 2, "block": {"y": {}, "z": {}}}', 'f.json', diagnostics))
    const content = new MergedBody([native, json]).content(schema, diagnostics)
    assert.deepEqual(diagnostics, [])
    assert.deepEqual([...content.attributes.keys()], ['a', 'b'])
    assert.deepEqual(
      content.blocks.map(b => b.labels[0]),
      ['x', 'y', 'z'],
    )
    new MergedBody([native, native]).content(schema, diagnostics)
    assert.match(
      formatDiagnostics(diagnostics),
      /^f\.hcl:1,1-2: Duplicate argument; Argument "a" was already set at f\.hcl:1,1-2/,
    )
  })
})

describe('an expression', () => {
  it('knows where it stands', () => {
    const diagnostics: Diagnostics = []
    const e = parseExpressionText(' a.b[0] + f(x) ', 'f', fileStart, diagnostics)
    assert.deepEqual(diagnostics, [])
    assert.equal(formatRange(e.range), 'f:1,2-15')
  })

  it('must be all there is', () => {
    const diagnostics: Diagnostics = []
    parseExpressionText('1 2', 'f', fileStart, diagnostics)
    assert.equal(
      diagnostics.map(formatDiagnostic).join(),
      'f:1,3-4: Extra characters after expression; An expression was successfully parsed, but extra characters were found after it.',
    )
  })
})
