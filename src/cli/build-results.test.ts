import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  type BuildAnswer,
  buildMetadata,
  callMetadata,
  checkResultFile,
  frontendMessage,
  targetsMetadata,
  writeWhole,
} from './build-results.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('metadata of a build', () => {
  it('has objects and lists of objects as JSON, anything else as the text that it is', () => {
    const exporterResponse = {
      object: base64('{"a":1}'),
      list: base64('[{"a":1}]'),
      words: base64('["a"]'),
      empty: base64('{}'),
      text: 'abcd',
      'result.json': '{}',
    }
    const metadata = JSON.parse(
      buildMetadata({ ref: 'b/n/r', exporterResponse, warnings: [] } as never),
    ) as unknown
    assert.deepEqual(metadata, {
      ...exporterResponse,
      object: { a: 1 },
      list: [{ a: 1 }],
      'buildx.build.ref': 'b/n/r',
    })
  })

  it('of a call is what the frontend answered, lists of requests included', () => {
    const answer = (json: string): unknown =>
      JSON.parse(
        callMetadata(
          new Map([
            ['result.json', Buffer.from(json)],
            ['version', Buffer.from('1.0.0')],
          ]),
        ),
      )
    assert.deepEqual(answer('{"a":1}'), { 'result.json': { a: 1 }, version: '1.0.0' })
    assert.deepEqual(answer('[{"name":"x"}]'), { 'result.json': [{ name: 'x' }], version: '1.0.0' })
    assert.deepEqual(answer('no JSON'), { 'result.json': 'no JSON', version: '1.0.0' })
  })

  it('of several is by target, calls among them, with the warnings of all beside', () => {
    const warning = { vertex: 'sha256:1', level: 1, short: 'x', range: [] }
    const text = targetsMetadata(
      new Map<string, BuildAnswer | ReadonlyMap<string, Uint8Array>>([
        ['b', { ref: 'b/n/r', exporterResponse: { 'image.name': 'x' } }],
        ['a', new Map([['result.json', Buffer.from('{"a":1}')]])],
      ]),
      [warning] as never,
    )
    assert.deepEqual(JSON.parse(text), {
      a: { 'result.json': { a: 1 } },
      b: { 'buildx.build.ref': 'b/n/r', 'image.name': 'x' },
      'buildx.build.warnings': [{ vertex: 'sha256:1', level: 1, short: base64('x') }],
    })
  })
})

describe('a file for results', () => {
  it('that cannot be made is refused before the build, with its place', t => {
    const cwd = mkdtempSync(join(tmpdir(), 'slipway-results-'))
    t.after(() => rmSync(cwd, { recursive: true }))
    writeFileSync(join(cwd, 'file'), '')
    const host = { cwd }
    checkResultFile('', host)
    checkResultFile('file', host)
    checkResultFile('new', host)
    assert.throws(() => checkResultFile('no/x', host), {
      message: 'invalid output path: stat no: no such file or directory',
    })
    assert.throws(() => checkResultFile('no/x', host, 'image ID'), {
      message: 'writing image ID file: open no/x: no such file or directory',
    })
    assert.throws(() => checkResultFile('file/x', host), {
      message: 'invalid output path: stat file: not a directory',
    })
    assert.throws(() => checkResultFile('.', host), { message: `cannot write to a directory: ${cwd}` })
    assert.throws(() => writeWhole('/dev/full', 'x', host), { message: /write '\/dev\/full'$/ })
    assert.deepEqual(readdirSync(cwd), ['file'])
  })
})

it('what a frontend has to say is shown as it is, under the name of its target', () => {
  const response = { 'frontend.result.inlinemessage': 'read this' }
  assert.equal(frontendMessage({}), '')
  assert.equal(frontendMessage(response), '\nread this\n')
  assert.equal(frontendMessage(response, 'app'), '\n# app\nread this\n')
})
