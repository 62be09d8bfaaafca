import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { dockerFunctions, headerFunctions } from './docker-functions.ts'
import { executeTemplate, type TemplateFunctions } from './execute.ts'
import { parseTemplate } from './parse.ts'

function render(text: string, data: unknown, functions: TemplateFunctions = dockerFunctions): string {
  return executeTemplate(parseTemplate(text, Object.keys(functions)), data, functions)
}

describe('templates', () => {
  const path = new URL('format-vectors.json', import.meta.url)
  const vectors = JSON.parse(readFileSync(path, 'utf8')) as [string, string][]
  const data = {
    Name: 'default',
    Current: true,
    [Symbol.toStringTag]: '*formatter.clientContextContext',
    toString: () => '',
  }

  it('print and complain as `docker context ls --format` of docker 28.2.2 does', () => {
    for (const [text, expected] of vectors) {
      let actual: string
      try {
        actual = render(text, data)
      } catch (error) {
        actual = (error as Error).message
      }
      assert.equal(actual, expected, text)
    }
  })

  it('read maps, lists, methods and nested objects', () => {
    const value = {
      Nodes: [{ Name: 'a', Platforms: ['linux/amd64', 'linux/arm64'] }],
      Labels: new Map([
        ['z', '1'],
        ['a', '2'],
      ]),
      Add: (a: unknown, b: unknown) => Number(a) + Number(b),
      Nothing: null,
    }
    assert.equal(
      render('{{range .Nodes}}{{.Name}}: {{join .Platforms ","}}{{end}}', value),
      'a: linux/amd64,linux/arm64',
    )
    assert.equal(render('{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}', value), 'a=2 z=1 ')
    assert.equal(
      render('{{.Labels}} {{.Labels.z}} {{.Labels.q}} {{index .Labels "a"}}', value),
      'map[a:2 z:1] 1 <no value> 2',
    )
    assert.equal(render('{{.Add 1 2}} {{3 | .Add 4}} {{.Nothing}}', value), '3 7 <nil>')
    assert.equal(render('{{json .Nodes}}', value), '[{"Name":"a","Platforms":["linux/amd64","linux/arm64"]}]')
    assert.equal(render('{{(index .Nodes 0).Name}}', value), 'a')
    assert.throws(() => render('{{.Nothing.X}}', value), {
      message: /nil pointer evaluating interface \{\}\.X/,
    })
    assert.throws(() => render('{{.hasOwnProperty "x"}}', {}), {
      message: /can't evaluate field hasOwnProperty/,
    })
    assert.throws(() => render('{{.constructor}}', {}), { message: /can't evaluate field constructor/ })
  })

  it('keep header titles as they are', () => {
    assert.equal(render('{{upper .N}}\t{{json .N}}', { N: 'Name' }, headerFunctions), 'Name\tName')
  })
})
