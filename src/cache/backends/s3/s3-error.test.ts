import assert from 'node:assert/strict'
import { it } from 'node:test'
import { SlipwayError } from '../../../errors/slipway-error.ts'
import { registryErrorType } from '../../../registry/registry-error.ts'
import { s3Error } from './s3-error.ts'

// Recorded with BuildKit 0.32.2 against the same answers.

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '')

it('what S3 refuses is said in the words of the AWS library, with the ids of the request', () => {
  const refusal = (status: number, code = '', ids = {}): SlipwayError => {
    const errors = [{ code, message: code === '' ? '' : `refused: ${code}` }]
    return new SlipwayError('unknown', 'x', {
      details: [{ type: registryErrorType, status, errors, ...ids }],
    })
  }
  const put = { name: 'PutObject', method: 'PUT', attempts: 3 }
  const head = { name: 'HeadObject', method: 'HEAD', attempts: 3 }
  assert.equal(
    messageOf(s3Error(refusal(404, 'NoSuchBucket', { requestId: 'R', hostId: 'H' }), put)),
    'operation error S3: PutObject, https response error StatusCode: 404, RequestID: R, HostID: H, api error NoSuchBucket: refused: NoSuchBucket',
  )
  assert.equal(
    messageOf(s3Error(refusal(403), head)),
    'operation error S3: HeadObject, https response error StatusCode: 403, RequestID: , HostID: , api error Forbidden: Forbidden',
  )
  assert.equal(
    messageOf(s3Error(refusal(500), head)),
    'operation error S3: HeadObject, exceeded maximum number of attempts, 3, https response error StatusCode: 500, RequestID: , HostID: , api error InternalServerError: Internal Server Error',
  )
})

it('what S3 did not answer is said with the operation in the URL', () => {
  const failure = (verb: string, why: string): SlipwayError =>
    new SlipwayError('unavailable', `failed to do request: ${verb} "http://h:1/b/k": ${why}`, {
      hint: 'look',
    })
  const away = 'dial tcp 127.0.0.1:1: connect: connection refused'
  const found = s3Error(failure('Head', away), { name: 'GetObject', method: 'GET', attempts: 3 })
  assert.ok(found instanceof SlipwayError)
  assert.equal(found.hint, 'look')
  const sent = 'https response error StatusCode: 0, RequestID: , HostID: , request send failed'
  assert.equal(
    found.message,
    `operation error S3: GetObject, exceeded maximum number of attempts, 3, ${sent}, Get "http://h:1/b/k?x-id=GetObject": ${away}`,
  )
  const lookup = 'dial tcp: lookup h: no such host'
  assert.equal(
    messageOf(s3Error(failure('Head', lookup), { name: 'HeadObject', method: 'HEAD', attempts: 3 })),
    `operation error S3: HeadObject, ${sent}, Head "http://h:1/b/k": ${lookup}`,
  )
})

it('other failures are left as they are', () => {
  const error = new SlipwayError('canceled', 'context canceled')
  assert.equal(s3Error(error, { name: 'GetObject', method: 'GET', attempts: 3 }), error)
})
