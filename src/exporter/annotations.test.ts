import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readAnnotations, resultAnnotations } from './annotations.ts'

const result = (given: Record<string, string>): ReadonlyMap<string, Uint8Array> =>
  new Map(Object.entries(given).map(([key, text]) => [key, Buffer.from(text)]))

describe('annotations', () => {
  it('come with a result, and options win over them', () => {
    const given = resultAnnotations(
      result({
        'annotation-index.a': 'result',
        'annotation-index.b': 'result',
        'annotation-manifest[linux/amd64].m': 'amd64',
        'containerimage.config': '{}',
      }),
    )
    const all = given.with(readAnnotations({ 'annotation-index.b': 'option', 'annotation.m': 'all' }))
    assert.deepEqual(all.at('index'), { a: 'result', b: 'option' })
    assert.deepEqual(all.at('manifest', 'linux/amd64'), { m: 'amd64' })
    assert.deepEqual(all.at('manifest', 'linux/arm64'), { m: 'all' })
    assert.deepEqual(all.platforms, ['linux/amd64'])
    assert.equal(all.empty, false)
  })

  it('of unknown levels and platforms are refused; keys of another form are none', () => {
    assert.throws(() => readAnnotations({ 'annotation-other.a': '' }), {
      message: 'unrecognized annotation type other',
    })
    assert.throws(() => resultAnnotations(result({ 'annotation[nope].a': '' })), {
      message: '"nope": unknown operating system or architecture: invalid argument',
    })
    const none = {
      annotationless: '',
      name: '',
      'annotation.': '',
      'annotation.a b': '',
      'annotation[x!].a': '',
    }
    assert.equal(readAnnotations(none).empty, true)
    const spelt = readAnnotations({
      'annotation[aarch64].a': '1',
      'annotation-manifest[linux/x86_64].b': '2',
    })
    assert.deepEqual(spelt.platforms, ['linux/arm64', 'linux/amd64'])
  })
})
