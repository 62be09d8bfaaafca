import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorEntries, errorsOrStatus, statusAndErrors } from './refusal.ts'

const first = 'unexpected status from PUT request to http://r/v2/x: 400 Bad Request'
const of = (body: unknown): { first: string; body: string } => ({
  first,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

describe('what a registry says of a refusal', () => {
  it('is its codes alone where the messages are the usual ones', () => {
    const answer = of({
      errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }],
    })
    assert.equal(errorsOrStatus(answer), 'denied')
    assert.equal(statusAndErrors(answer), `${first}\ndenied`)
  })

  it('keeps messages of its own, and details that are text in a push', () => {
    const answer = of({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'gone', detail: 'since May' }] })
    assert.equal(errorsOrStatus(answer), 'unknown: gone - since May')
    assert.equal(statusAndErrors(answer), `${first}\nunknown: gone`)
    assert.deepEqual(errorEntries(answer.body), [{ code: 'MANIFEST_UNKNOWN', message: 'gone' }])
  })

  it('is a list where it says several things', () => {
    const errors = [{ code: 'DENIED' }, { code: 'TOOMANYREQUESTS', message: 'slowly' }]
    assert.equal(errorsOrStatus(of({ errors })), 'errors:\ndenied\ntoomanyrequests: slowly\n')
  })

  it('is the beginning of what is no error document', () => {
    assert.equal(errorsOrStatus(of('')), first)
    assert.equal(errorsOrStatus(of('<html>')), `${first}: <html>`)
    assert.equal(errorsOrStatus(of('x'.repeat(300))), `${first}: ${'x'.repeat(256)}... (44 bytes truncated)`)
    assert.equal(errorsOrStatus(of({ details: 'not you' })), `${first}: not you`)
    for (const odd of ['null', '[]', '{"errors":{}}', '{"errors":[]}', '{"errors":[1]}'])
      assert.equal(statusAndErrors(of(odd)), first)
  })
})
