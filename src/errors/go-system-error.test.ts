import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { test } from 'node:test'
import { goSystemError } from './go-system-error.ts'
import { asSlipwayError } from './slipway-error.ts'

const messageOf = (run: () => void): string => {
  try {
    run()
    return ''
  } catch (e) {
    return asSlipwayError(e).message
  }
}

test('System errors are told in the words of Go.', () => {
  assert.equal(
    messageOf(() => readFileSync('/nothing/here')),
    'open /nothing/here: no such file or directory',
  )
  assert.equal(
    messageOf(() => mkdirSync('/')),
    'mkdir /: file exists',
  )
  assert.equal(
    messageOf(() => renameSync('/nothing/here', '/nothing/there')),
    'rename /nothing/here /nothing/there: no such file or directory',
  )
  assert.equal(
    messageOf(() => readFileSync('/')),
    'read: is a directory',
  )
})

test('Other messages stay as they are.', () => {
  for (const message of ['context canceled', 'ENOENT', 'failed: ENOENT: no such file, open', 'A: b, c: d'])
    assert.equal(goSystemError(message), message)
})
