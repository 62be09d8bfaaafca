import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { fromRpcStatus, toRpcStatus } from './wire-error.ts'

describe('an error over the wire', () => {
  it('that a question is not known says so once more, as in Go', () => {
    const sent = new SlipwayError('unknown', 'unsupported request frontend.nope', {
      details: [{ type: 'errdefs.Subrequest', name: 'frontend.nope' }],
    })
    const received = fromRpcStatus(toRpcStatus(sent))
    assert.equal(received?.message, 'unsupported request frontend.nope: unsupported request frontend.nope')
    assert.equal(received.code, 'unknown')
  })
})
