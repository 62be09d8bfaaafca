import { create } from '@bufbuild/protobuf'
import { createRouterTransport } from '@connectrpc/connect'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Control, SolveRequestSchema } from '../../proto/gen/control_pb.ts'
import { LLBBridge, type ReturnRequest } from '../../proto/gen/gateway_pb.ts'
import { supportsFreeSpaceFilter } from './daemon.ts'
import { driveBridge } from './drive-build.ts'
import { readTrees } from './read-tree.ts'

/** A node that notes with what builds return. */
function makeNode(): {
  readonly returned: ReturnRequest[]
  readonly connection: Parameters<typeof driveBridge>[0]
} {
  const returned: ReturnRequest[] = []
  const ended = Promise.withResolvers<undefined>()
  const transport = createRouterTransport(({ service }) => {
    service(Control, {
      async solve() {
        await ended.promise
        return { ExporterResponse: { done: 'yes' } }
      },
      async *status() {},
    })
    service(LLBBridge, {
      ping: () => ({}),
      return(request) {
        returned.push(request)
        ended.resolve(undefined)
        return {}
      },
    })
  })
  return { returned, connection: { transport } as Parameters<typeof driveBridge>[0] }
}

const options = {
  request: create(SolveRequestSchema, { Ref: 'r' }),
  onStatus: () => {},
  signal: new AbortController().signal,
}

describe('a build over the bridge', () => {
  it('returns a result also where it exports nothing', async () => {
    const { returned, connection } = makeNode()
    assert.equal(await readTrees(connection, options, async () => 'read'), 'read')
    assert.deepEqual(
      returned.map(({ result, error }) => [result?.result.case, error]),
      [['ref', undefined]],
    )
  })

  it('returns a result where it only asks what the daemon can do', async () => {
    const { returned, connection } = makeNode()
    assert.equal(await supportsFreeSpaceFilter(connection), false)
    assert.deepEqual(
      returned.map(({ result }) => result?.result.case),
      ['ref'],
    )
  })

  it('returns what went wrong', async () => {
    const { returned, connection } = makeNode()
    const failing = driveBridge(connection, options, async () => {
      throw new Error('no good')
    })
    await assert.rejects(failing, /no good/)
    assert.equal(returned[0]?.result, undefined)
    assert.match(returned[0]?.error?.message ?? '', /no good/)
  })
})
