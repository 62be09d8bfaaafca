import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { timestampNow } from '@bufbuild/protobuf/wkt'
import { lacks } from '../../../test/support/need.ts'
import { makeScratch } from '../../../test/support/scratch.ts'
import { type PeerName, peerPath } from '../../../scripts/setup/peers.ts'
import { tryRun } from '../../../scripts/setup/run.ts'
import type { BridgeApi, EngineApi } from '../../engine/engine-api.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { SolveRequest } from '../../proto/gen/control_pb.ts'
import type { ReturnRequest } from '../../proto/gen/gateway_pb.ts'
import { clientContent } from '../../session/callers/client-content.ts'
import { fetchLocalDir } from '../../session/callers/fetch-local-dir.ts'
import { checkAgent } from '../../session/callers/forward-agent.ts'
import { getSecret } from '../../session/callers/get-secret.ts'
import { getCredentials, hasTokenAuthority, tokenAuthority } from '../../session/callers/registry-auth.ts'
import { sendDir, sendStream } from '../../session/callers/send-export.ts'
import { fromRpcStatus } from '../../session/errors/wire-error.ts'
import { directoryTree } from '../../session/fsutil/directory-tree.ts'
import { type SessionCaller, SessionStore } from '../../session/session.ts'
import { digestOf } from '../../oci/digest.ts'
import { fakeEngine } from './fake-engine.ts'
import { listen } from './listen.ts'
import { createServerRoutes } from './server-routes.ts'

/** What the engine of these tests knows: it does no build, but uses a client's session in every way. */
interface Scene {
  readonly dir: string
  readonly sessions: SessionStore
  readonly seen: Record<string, unknown>
  readonly builds: Map<
    string,
    { returned: PromiseWithResolvers<ReturnRequest>; done: PromiseWithResolvers<void> }
  >
}

function build(scene: Scene, ref: string): NonNullable<ReturnType<Scene['builds']['get']>> {
  const known = scene.builds.get(ref)
  if (known !== undefined) return known
  const made = { returned: Promise.withResolvers<ReturnRequest>(), done: Promise.withResolvers<void>() }
  scene.builds.set(ref, made)
  return made
}

const capabilities = (ids: string): { ID: string; Enabled: boolean }[] =>
  ids.split(' ').map(ID => ({ ID, Enabled: true }))

const gatewayCaps =
  'solve.base solve.inlinereturn resolveimage readfile return returnmap readdir statfile importcaches proto.refarray reference.output frontend.inputs frontend.caps gateway.solve.metadata gateway.solve.evaluate gateway.evaluate gateway.warnings'
const llbCaps =
  'source.local source.local.includepatterns source.local.followpaths source.local.excludepatterns source.local.sharedkeyhint exporter.multiple'

function sceneEngine(scene: Scene): EngineApi {
  const bridge = (ref: string): Partial<BridgeApi> => ({
    ping: async () => ({
      FrontendAPICaps: capabilities(gatewayCaps),
      LLBCaps: capabilities(llbCaps),
      Workers: [{ ID: 'w', platforms: [{ Architecture: 'amd64', OS: 'linux' }] }],
    }),
    async solve(request) {
      if (request.FrontendOpt['build-arg:FAIL'] !== undefined) throw failure
      return { result: { result: { case: 'ref', value: { id: 'r' } } } }
    },
    async return(request) {
      build(scene, ref).returned.resolve(request)
      return {}
    },
    inputs: async () => ({}),
  })
  return fakeEngine(
    {
      listWorkers: async () => ({
        record: [{ ID: 'w', platforms: [{ Architecture: 'amd64', OS: 'linux' }] }],
      }),
      info: async () => ({ buildkitVersion: { version: 'v0.32.2' } }),
      async *listenBuildHistory() {},
      updateBuildHistory: async () => ({}),
      diskUsage: async () => ({ record: [{ ID: 'record1', Size: 12345n, CreatedAt: timestampNow() }] }),
      async *status({ Ref }) {
        const digest = digestOf(Ref)
        const started = timestampNow()
        yield { vertexes: [{ digest, name: 'a step of the scene', started }] }
        await build(scene, Ref).done.promise
        yield {
          logs: [
            { vertex: digest, stream: 1n, timestamp: timestampNow(), msg: Buffer.from('said the step\n') },
          ],
        }
        yield { vertexes: [{ digest, name: 'a step of the scene', started, completed: timestampNow() }] }
      },
      async solve(request) {
        try {
          const { result, error } = await build(scene, request.Ref).returned.promise
          const failed = error === undefined ? undefined : fromRpcStatus(error)
          if (failed !== undefined) throw failed
          if (result?.result.case !== undefined && !request.Internal) await useSession(scene, request)
          return { ExporterResponse: { 'containerimage.digest': digestOf('image') } }
        } finally {
          build(scene, request.Ref).done.resolve()
        }
      },
    },
    new Proxy({}, { get: (_, ref) => bridge(String(ref)) }),
  )
}

const failure = new SlipwayError('not-found', 'failed to solve: nothing of that name', {
  sources: [
    {
      filename: 'Dockerfile',
      data: Buffer.from('FROM scratch\nCOPY . /\n'),
      ranges: [{ start: { line: 2, character: 0 }, end: { line: 2, character: 8 } }],
    },
  ],
})

async function useSession(scene: Scene, request: SolveRequest): Promise<void> {
  const caller = await scene.sessions.get(request.Session)
  const { seen, dir } = scene
  const fetched = join(dir, 'fetched')
  const filter = { excludePatterns: ['*.log', 'a, b', 'ünused'], followPaths: ['files'] }
  seen['fetched'] = (await fetchLocalDir(caller, { name: 'context', dest: fetched, ...filter })).length
  seen['again'] = (await fetchLocalDir(caller, { name: 'context', dest: fetched, ...filter })).length
  seen['secret'] = await getSecret(caller, 'mysecret').then(String, (e: Error) => e.message)
  seen['ssh'] = await checkAgent(caller, 'other').catch((e: Error) => e.message)
  seen['credentials'] = await getCredentials(caller, 'registry-1.docker.io')
  seen['authority'] = await hasAuthority(caller)
  for (const [exporterId, { Type, Attrs }] of request.Exporters.entries()) {
    if (Type === 'local') await sendDir(caller, await directoryTree(fetched), { exporterId })
    else if (Type === 'tar')
      await sendStream(caller, chunks(), { 'containerimage.digest': 'x' }, { exporterId })
    seen[Type] = Attrs
  }
  const cache = request.Cache?.Exports.find(({ Type }) => Type === 'local')
  if (cache !== undefined) seen['cache'] = await useCache(caller, cache.Attrs['dest'] ?? '')
}

async function hasAuthority(caller: SessionCaller): Promise<boolean> {
  const salt = new Uint8Array(32).fill(1)
  const key = await tokenAuthority(caller, 'registry-1.docker.io', salt)
  return key !== undefined && (await hasTokenAuthority(caller, 'registry-1.docker.io', salt, key))
}

async function useCache(caller: SessionCaller, dest: string): Promise<string> {
  const content = clientContent(caller, `local:${dest}`)
  const text = 'blob'.repeat(500_000)
  const digest = digestOf(text)
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text)
  }
  await content.write({ digest, size: text.length, mediaType: '' }, bytes())
  await content.write({ digest, size: text.length, mediaType: '' }, bytes())
  const back = Buffer.concat(await Array.fromAsync(content.read(digest))).toString()
  return back === text ? `read back ${await content.size(digest)} bytes` : 'differs'
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 40; i++) yield Buffer.alloc(100_000, i)
}

for (const [name, peer] of [
  ['0.13', 'docker-buildx'],
  ['0.29', 'docker-buildx-new'],
] as const satisfies readonly (readonly [string, PeerName])[]) {
  describe(`the server with docker buildx ${name}`, { skip: lacks({ root: true, peers: [peer] }) }, () => {
    const stack = new AsyncDisposableStack()
    let scene: Scene
    let buildx: (...args: string[]) => Promise<{ code: number | null; output: string }>

    before(async () => {
      const { dir } = stack.use(await makeScratch())
      const sessions = new SessionStore()
      scene = { dir, sessions, seen: {}, builds: new Map() }
      const address = `unix://${join(dir, 'daemon.sock')}`
      stack.use(await listen([address], createServerRoutes(sceneEngine(scene), sessions)))
      await mkdir(join(dir, 'context/files/ä'), { recursive: true })
      for (let i = 0; i < 50; i++) await writeFile(join(dir, `context/files/f${i}`), 'y'.repeat(i * 2000))
      await writeFile(join(dir, 'context/files/ä/ö, ü'), 'unicode')
      await writeFile(join(dir, 'context/Dockerfile'), 'FROM scratch\nCOPY . /\n')
      await writeFile(join(dir, 'secret'), 'hush')
      const env = {
        ...process.env,
        BUILDX_CONFIG: join(dir, 'buildx'),
        DOCKER_CONFIG: join(dir, 'docker'),
        BUILDX_NO_DEFAULT_ATTESTATIONS: '1',
      }
      const program = peerPath(peer) as string
      buildx = async (...args) => {
        const { code, stdout, stderr } = await tryRun([program, ...args], { env, cwd: join(dir, 'context') })
        return { code, output: stdout + stderr }
      }
      await buildx('create', '--name', 'scene', '--driver', 'remote', '--use', address)
    })
    after(() => stack.disposeAsync())

    it('is a builder that runs', async () => {
      const { output } = await buildx('inspect')
      assert.match(output, /Status:\s+running/)
      assert.match(output, /Platforms:\s+linux\/amd64/)
    })

    it('shows its disk usage', async () => {
      assert.match((await buildx('du')).output, /record1\s+true\s+12\.35kB/)
    })

    it('reads contexts, secrets and credentials through the session, and writes results and caches', async () => {
      const cache = join(scene.dir, 'cache')
      const { code, output } = await buildx(
        ...['build', '--progress=plain', '--secret', `id=mysecret,src=${join(scene.dir, 'secret')}`],
        ...['--output', `type=local,dest=${join(scene.dir, 'out')}`],
        ...['--cache-to', `type=local,dest=${cache}`, '.'],
      )
      assert.equal(code, 0, output)
      assert.match(output, /a step of the scene/)
      assert.match(output, /said the step/)
      assert.equal(scene.seen['fetched'], 53)
      assert.equal(scene.seen['again'], 0)
      assert.equal(scene.seen['secret'], '104,117,115,104')
      assert.match(String(scene.seen['ssh']), /unset ssh forward key other|unknown service/)
      assert.deepEqual(scene.seen['credentials'], { username: '', secret: '' })
      assert.equal(scene.seen['authority'], true)
      assert.equal(scene.seen['cache'], 'read back 2000000 bytes')
      assert.equal(await readFile(join(scene.dir, 'out/files/ä/ö, ü'), 'utf8'), 'unicode')
    })

    it('streams a tar', async () => {
      const file = join(scene.dir, 'out.tar')
      const { code, output } = await buildx('build', '--output', `type=tar,dest=${file}`, '.')
      assert.equal(code, 0, output)
      assert.equal((await readFile(file)).length, 4_000_000)
    })

    it('sends errors that buildx shows with their lines, and no code that BuildKit would not have', async () => {
      const { code, output } = await buildx('build', '--progress=plain', '--build-arg', 'FAIL=1', '.')
      assert.equal(code, 1)
      assert.match(output, /2 \| >>> COPY \. \//)
      assert.match(output, /ERROR: .*nothing of that name/)
      assert.doesNotMatch(output, /NotFound/)
    })
  })
}
