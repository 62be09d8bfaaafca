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
