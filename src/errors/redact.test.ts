import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redact } from './redact.ts'

describe('redact', () => {
  it('hides credentials in URLs, headers and signed queries', () => {
    assert.equal(redact('get https://me:secret@host/x: no'), 'get https://xxxxx:xxxxx@host/x: no')
    assert.equal(redact('-git+ssh://me:s@h'), '-git+ssh://xxxxx:xxxxx@h')
    assert.equal(redact('Authorization: Bearer abcdefghijk'), 'Authorization: Bearer xxxxx')
    assert.equal(redact('GET /x?token=abc&y=1'), 'GET /x?token=xxxxx&y=1')
    assert.equal(
      redact('https://host:5000/a@b and ssh://git@host'),
      'https://host:5000/a@b and ssh://git@host',
    )
  })

  it('goes through megabytes of anything', () => {
    for (const piece of ['n', 'a:', 'a://', 'Bearer ', '?token=', 'x@']) {
      const text = piece.repeat(1 << 18)
      assert.ok(redact(text).length > 0)
    }
  })
})
