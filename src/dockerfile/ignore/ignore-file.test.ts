import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseIgnoreFile } from './ignore-file.ts'

describe('parseIgnoreFile', () => {
  it('trims, cleans and drops comments, keeps the order and the exclamation marks', () => {
    const text = '\ufeff# c\n /a/../b/ \n\n#x\n  #y\n!  /c \r\n**/d\n/\n!\n'
    assert.deepEqual(parseIgnoreFile(text), ['b', '#y', '!c', '**/d', '/', '!'])
  })

  it('refuses lines that are too long', () => {
    assert.throws(() => parseIgnoreFile('a'.repeat(65536)), { code: 'invalid-argument' })
  })
})
