import { ConnectError } from '@connectrpc/connect'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { fromConnectError, fromRpcStatus, toConnectError, toRpcStatus } from './wire-error.ts'

describe('an error over the wire', () => {
  it('that a question is not known says so once more, as in Go', () => {
    const sent = new SlipwayError('unknown', 'unsupported request frontend.nope', {
      details: [{ type: 'errdefs.Subrequest', name: 'frontend.nope' }],
    })
    const { rawMessage, code, details } = toConnectError(sent)
    const wire = Object.assign(new ConnectError(rawMessage, code), { details, isWireError: true })
    const received = fromConnectError(wire)
    assert.equal(received.message, 'unsupported request frontend.nope: unsupported request frontend.nope')
    assert.equal(received.code, 'unknown')
    // What a client returns of it is taken as it is.
    assert.equal(fromRpcStatus(toRpcStatus(received))?.message, received.message)
  })
})
