import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddedFiles } from './added-files.ts'

test('Files are added where a walk would come to them, each once.', () => {
  const names = ['z/y', 'a/b', '../x', 'ab', 'a-b', 'zz']
  const added = new AddedFiles(new Map(names.map(name => [name, Buffer.from(name)])))
  const seen: string[] = []
  for (const path of ['a', 'a/a', 'a/c', 'ab', 'z', 'z/a']) {
    for (const [name, bytes] of added.upTo(path)) {
      assert.equal(Buffer.from(bytes).toString(), name)
      seen.push(`+${name}`)
    }
    if (!added.has(path)) seen.push(path)
  }
  for (const [name] of added.upTo()) seen.push(`+${name}`)
  assert.deepEqual(seen, ['+../x', 'a', 'a/a', '+a/b', 'a/c', '+a-b', '+ab', 'z', 'z/a', '+z/y', '+zz'])
})
