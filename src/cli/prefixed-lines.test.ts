import assert from 'node:assert/strict'
import { it } from 'node:test'
import { PrefixedLines } from './prefixed-lines.ts'

it('whole lines are written behind a prefix, the last one with an end', () => {
  const written: string[] = []
  {
    using lines = new PrefixedLines('a ', line => written.push(Buffer.from(line).toString()))
    for (const chunk of ['one', ' more\ntwo\n\nth', 'r', 'ee']) lines.write(Buffer.from(chunk))
    assert.deepEqual(written, ['a one more\n', 'a two\n', 'a \n'])
  }
  assert.deepEqual(written.slice(3), ['a three\n'])
})

it('a line without end is not held back for ever', () => {
  const written: string[] = []
  using lines = new PrefixedLines('a ', line => written.push(Buffer.from(line).toString()))
  for (let i = 0; i < 3; i++) lines.write(Buffer.alloc(40 * 1024, 'x'))
  assert.deepEqual(
    written.map(line => line.length),
    [80 * 1024 + 3],
  )
})
