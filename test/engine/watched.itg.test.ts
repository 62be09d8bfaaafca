import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { cannotRun } from '../../src/executor/testing/executor-fixture.ts'
import { busyboxBinary, makeBusyboxRoot } from '../../src/executor/testing/busybox-root.ts'
import { execState, type ExecOptions } from '../../src/llb/exec.ts'
import { local } from '../../src/llb/source.ts'
import type { State } from '../../src/llb/state.ts'
import { PolicyAction } from '../../src/proto/gen/source-policy_pb.ts'
import { fileSync } from '../../src/session/attachables/file-sync.ts'
import { EngineBench } from '../support/engine-bench.ts'

const skip = await cannotRun()

describe('builds whose network is watched', { skip }, () => {
  let bench: EngineBench
  let origin: string
  let asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (request.url === '/file') response.end('of the host\n')
    else response.writeHead(404).end()
  })
  before(async () => {
    bench = await EngineBench.open()
    makeBusyboxRoot(bench.scratch.path('root'), busyboxBinary('amd64') as string)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await bench[Symbol.asyncDispose]()
  })

  const run = (script: string, more: Partial<ExecOptions> = {}): State =>
    execState(local('root', {}), { args: ['/bin/sh', '-c', script], ignoreCache: true, ...more })
  const wget = (path: string): string => `no_proxy= NO_PROXY= wget -q -O /got ${origin}${path}`
  const provenance = (fields = ''): Record<string, string> => ({
    'attest:provenance': `mode=max${fields}`,
  })
  const files = async (state: State, request: object): Promise<Record<string, string>> =>
    await bench.files(state, { ProxyNetwork: true, ...request }, [
      fileSync({ root: { path: bench.scratch.path('root') } }),
    ])

  it('have what their steps fetched in their provenance, and in what the steps say', async () => {
    const Ref = 'watched'
    const said: string[] = []
    const listening = (async () => {
      const call = {
        signal: new AbortController().signal,
        headers: new Headers(),
        responseHeaders: new Headers(),
      }
      for await (const { logs = [] } of bench.local.engine.control.status({ Ref } as never, call))
        for (const { msg } of logs) said.push(Buffer.from(msg ?? []).toString())
    })()
    const found = await files(run(wget('/file')), { Ref, FrontendAttrs: provenance() })
    await listening
    assert.equal(found['got'], 'of the host\n')
    const { predicate } = JSON.parse(found['provenance.json'] ?? '')
    const sha256 = createHash('sha256').update('of the host\n').digest('hex')
    assert.deepEqual(predicate.buildDefinition.resolvedDependencies, [
      { uri: `${origin}/file`, digest: { sha256 } },
    ])
    const { buildkit_metadata, buildkit_hermetic } = predicate.runDetails.metadata
    assert.deepEqual(buildkit_metadata.network, { mode: 'proxy' })
    assert.equal(buildkit_hermetic, undefined)
    assert.equal(said.join(''), `proxy network requests:\n- GET ${origin}/file -> 200\n`)
  })

  it('say what they could not get hold of, and fail where everything has to be known', async () => {
    const state = run(`${wget('/none')} || true`)
    const found = await files(state, { FrontendAttrs: provenance() })
    const { predicate } = JSON.parse(found['provenance.json'] ?? '')
    const { network } = predicate.runDetails.metadata.buildkit_metadata
    assert.equal(network.proxy.incomplete[0].uri, `${origin}/none`)
    assert.equal(network.proxy.incomplete[0].reason, 'unsuccessful_response')
    await assert.rejects(files(state, { FrontendAttrs: provenance(',complete-materials=true') }), {
      message: new RegExp(
        `provenance materials are incomplete[^]*method: GET\n    url: ${origin}/none\n    reason: unsuccessful_response`,
      ),
    })
  })

  it('are held against policies, which may send requests elsewhere', async () => {
    const rule = (action: PolicyAction, updates?: object): object => ({
      SourcePolicy: {
        rules: [{ action, selector: { identifier: `${origin}/wanted` }, ...(updates ? { updates } : {}) }],
      },
    })
    asked = []
    await assert.rejects(files(run(wget('/wanted')), rule(PolicyAction.DENY)), { message: /exit code: 1/ })
    assert.deepEqual(asked, [])
    const found = await files(
      run(wget('/wanted')),
      rule(PolicyAction.CONVERT, { identifier: `${origin}/file` }),
    )
    assert.equal(found['got'], 'of the host\n')
    assert.deepEqual(asked, ['/file'])
  })

  it('do not take results of builds that were not watched', async () => {
    const state = run('env | grep -c http_proxy= >/n; true', { ignoreCache: false })
    const [plain, watched, none] = [
      await files(state, { ProxyNetwork: false }),
      await files(state, {}),
      await files(run('env | grep -c http_proxy= >/n; true', { network: 'none', ignoreCache: false }), {}),
    ]
    assert.deepEqual([plain['n'], watched['n'], none['n']], ['0\n', '1\n', '0\n'])
  })
})

describe('engines that watch all builds', { skip }, () => {
  it('do so though nobody asks for it', async () => {
    await using bench = await EngineBench.open({ proxyNetwork: true })
    const path = bench.scratch.path('root')
    makeBusyboxRoot(path, busyboxBinary('amd64') as string)
    const state = execState(local('root', {}), { args: ['/bin/sh', '-c', 'echo $http_proxy >/n'] })
    const { n = '' } = await bench.files(state, {}, [fileSync({ root: { path } })])
    assert.match(n, /^http:\/\/127\.0\.0\.1:\d+\n$/)
  })
})
