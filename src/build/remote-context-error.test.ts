import assert from 'node:assert/strict'
import { it } from 'node:test'
import { SlipwayError } from '../errors/slipway-error.ts'
import { remoteContextError } from './remote-context-error.ts'

const unread = new SlipwayError(
  'unknown',
  'failed to solve: failed to read dockerfile: failed to load cache key: x',
)
const told = (context: string, dockerfile?: string, e: unknown = unread): string =>
  (remoteContextError(e, { context, ...(dockerfile === undefined ? {} : { dockerfile }) } as never) as Error)
    .message

it('a remote context that cannot be had fails where its policy is looked for', () => {
  const words = 'failed to stat policy file Dockerfile.rego: failed to load cache key: x'
  assert.equal(told('https://x.example/y.git'), words)
  assert.equal(told('http://x.example/y.tar', 'Other'), words.replace('Dockerfile', 'Other'))
})

it('other failures stay as they are: of other contexts, of Dockerfiles elsewhere, of what is missing', () => {
  for (const [context, dockerfile] of [
    ['.'],
    ['https://x.example/y.git', '-'],
    ['https://x.example/y.git', '/D'],
  ])
    assert.equal(told(context ?? '', dockerfile), unread.message)
  const missing = new SlipwayError('unknown', `${unread.message} not found`)
  assert.equal(told('https://x.example/y.git', undefined, missing), missing.message)
})
