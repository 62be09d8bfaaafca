import assert from 'node:assert/strict'
import { it } from 'node:test'
import { namesOf } from './image-exporter.ts'

it('names of an image are written out in full; one that is none is told', () => {
  const source = { metadata: new Map([['image.name', Buffer.from('chosen')]]) } as never
  const names = (name: string) => namesOf({ name }, source, { shown: text => `ref "${text}"` })
  assert.deepEqual(names('a, b/c:1 ,,'), ['docker.io/library/a:latest', 'docker.io/b/c:1'])
  assert.deepEqual(names('*'), ['docker.io/library/chosen:latest'])
  assert.deepEqual(namesOf({}, source), [])
  const silent = { metadata: new Map() } as never
  assert.throws(() => namesOf({ name: '*' }, silent), {
    message: 'failed to parse *: invalid reference format',
  })
  assert.deepEqual(namesOf({ name: 'a,b:1' }, source, { tagged: false }), [
    'docker.io/library/a',
    'docker.io/library/b:1',
  ])
  assert.throws(() => names('A%B'), { message: /^failed to parse ref "A%B": invalid reference format/ })
  assert.throws(() => namesOf({ name: 'A%B' }, source), { message: /^failed to parse A%B: invalid/ })
})
