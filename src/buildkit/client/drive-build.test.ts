import { create } from '@bufbuild/protobuf'
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { Control, SolveRequestSchema } from '../../proto/gen/control_pb.ts'
import { LLBBridge, type ReturnRequest } from '../../proto/gen/gateway_pb.ts'
import { supportsFreeSpaceFilter } from './daemon.ts'
import { driveBridge, driveBuild } from './drive-build.ts'
import { readTrees } from './read-tree.ts'

/** A node that notes with what builds return. */
function makeNode(solved?: (options: Readonly<Record<string, string>>) => void): {
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
      solve({ FrontendOpt }) {
        solved?.(FrontendOpt)
        return { result: {} }
      },
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

  it('asks a newer frontend where that of the daemon is too old for the question', async () => {
    const asked: string[] = []
    const { connection } = makeNode(options => {
      asked.push(options['build-arg:BUILDKIT_SYNTAX'] ?? '')
      if (asked.length === 1) throw new ConnectError('unsupported request frontend.lint', Code.Unknown)
    })
    const ask = (requestid: string): Promise<unknown> =>
      driveBuild(connection, {
        ...options,
        frontend: 'dockerfile.v0',
        frontendOptions: { requestid },
        frontendInputs: {},
      })
    await ask('frontend.lint')
    assert.equal(asked[0], '')
    assert.match(asked[1] ?? '', /^docker\/dockerfile:1\.8\.1@sha256:/)
  })

  it('tells once that a question is not known, and why the newer frontend was no help', async () => {
    const { connection } = makeNode(options => {
      const isNewer = options['build-arg:BUILDKIT_SYNTAX'] !== undefined
      throw new ConnectError(isNewer ? 'no route' : refusal, isNewer ? Code.Unavailable : Code.Unknown)
    })
    const refusal = 'unsupported request frontend.lint'
    const asking = driveBuild(connection, {
      ...options,
      frontend: 'dockerfile.v0',
      frontendOptions: { requestid: 'frontend.lint' },
      frontendInputs: {},
    })
    await assert.rejects(asking, error => {
      assert.ok(error instanceof SlipwayError)
      assert.equal(error.message, `failed to solve: ${refusal}`)
      assert.match(
        error.hint ?? '',
        /docker\/dockerfile:1\.8\.1, which would answer it, did not: .*no route$/,
      )
      return true
    })
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
