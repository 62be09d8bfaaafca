import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { run } from '../../scripts/setup/run.ts'
import { runtimeToken, startActionsCache } from '../support/actions-cache-server.ts'
import { startAzurite } from '../support/azurite.ts'
import { startBackground } from '../support/background.ts'
import { lacks } from '../support/need.ts'
import { startRegistry } from '../support/registry.ts'
import { startS3Server } from '../support/s3-server.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

// One machine builds and exports its cache, another one, with nothing on it, imports it: the steps are not run again.

const dockerfile = `FROM scratch AS tools
COPY tool /tool
COPY config /config
FROM scratch
COPY --from=tools /tool /bin/tool
COPY main /main
`

/** Steps of the Dockerfile that had to be done. */
function stepsDone(output: string): string[] {
  const names = new Map(
    [...output.matchAll(/^#(\d+) \[(?:tools|stage-1) \d\/\d\] (.+)$/gm)].map(([, id, name]) => [id, name]),
  )
  for (const [, id] of output.matchAll(/^#(\d+) CACHED$/gm)) names.delete(id)
  return [...names.values()].flatMap(name => name ?? [])
}

const attributes = (type: string, values: Readonly<Record<string, string>>): string =>
  [`type=${type}`, ...Object.entries(values).map(([key, value]) => `${key}=${value}`)].join(',')

describe('caches', { skip: lacks({ root: true }) }, () => {
  let scratch: Scratch
  let machines = 0
  before(async () => {
    scratch = await makeScratch()
    await mkdir(scratch.path('context'))
    await writeFile(scratch.path('context', 'Dockerfile'), dockerfile)
    for (const name of ['tool', 'config', 'main']) await writeFile(scratch.path('context', name), `${name}\n`)
  })
  after(() => scratch[Symbol.asyncDispose]())

  /** A machine with nothing on it. */
  async function machine(env: NodeJS.ProcessEnv = {}): Promise<SlipwayCommand> {
    return await openSlipway({ dir: scratch.path(`m${machines++}`), env })
  }
  const build = (on: SlipwayCommand, ...flags: readonly string[]): Promise<string> => {
    const output = flags.includes('--push') || flags.includes('-o') ? [] : ['-o', 'type=cacheonly']
    return on.run('build', '--progress', 'plain', ...output, ...flags, scratch.path('context'))
  }

  async function roundTrip(cache: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
    const written = await build(await machine(env), '--cache-to', `${cache},mode=max`)
    assert.equal(stepsDone(written).length, 4, written)
    const read = await build(await machine(env), '--cache-from', cache)
    assert.deepEqual(stepsDone(read), [], read)
  }

  it('in a directory', async () => {
    const machineA = await machine()
    const dest = scratch.path('local-cache')
    await build(machineA, '--cache-to', `type=local,dest=${dest},mode=max`)
    const read = await build(await machine(), '--cache-from', `type=local,src=${dest}`)
    assert.deepEqual(stepsDone(read), [], read)
    const count = async (): Promise<number> => (await readdir(`${dest}/blobs/sha256`)).length
    const first = await count()
    await writeFile(scratch.path('context', 'main'), 'changed\n')
    await build(machineA, '--cache-to', `type=local,dest=${dest},mode=max`)
    await writeFile(scratch.path('context', 'main'), 'main\n')
    assert.ok((await count()) > first, 'blobs of the earlier description are still there')
    await build(machineA, '--cache-to', `type=local,dest=${dest},mode=max,reset=true`)
    assert.equal(await count(), first)
  })

  it('in a directory that is not there are done without', async () => {
    const output = await build(await machine(), '--cache-from', 'type=local,src=nx')
    assert.match(
      output,
      /WARNING: local cache import at nx skipped due to err: could not read nx\/index\.json/,
    )
    assert.equal(stepsDone(output).length, 4)
  })

  it('are looked for once it is known what is to be built', async () => {
    const nowhere = 'type=registry,ref=127.0.0.1:1/nowhere:1'
    const output = await build(await machine(), '--cache-from', nowhere)
    const steps = [...output.matchAll(/^#\d+ (\[internal\] .*|importing cache manifest from .*)$/gm)].map(
      ([, name]) => name,
    )
    assert.deepEqual(
      [...new Set(steps)],
      [
        '[internal] load build definition from Dockerfile',
        '[internal] load .dockerignore',
        'importing cache manifest from 127.0.0.1:1/nowhere:1',
        '[internal] load build context',
      ],
    )
    assert.equal(stepsDone(output).length, 4)
  })

  it('in a registry, whole or of the result only', { skip: lacks({ registry: true }) }, async () => {
    await using registry = await startRegistry({ dir: scratch.path('registry') })
    await roundTrip(`type=registry,ref=${registry.host}/cache:max`)
    const machineA = await machine()
    const min = `type=registry,ref=${registry.host}/cache:min`
    await build(machineA, '--cache-to', min)
    await writeFile(scratch.path('context', 'main'), 'changed\n')
    const changed = await build(await machine(), '--cache-from', min)
    await writeFile(scratch.path('context', 'main'), 'main\n')
    assert.deepEqual(stepsDone(changed), ['COPY main /main'], changed)
  })

  it('are packed as the image is, so that nothing is there twice', {
    skip: lacks({ registry: true }),
  }, async () => {
    await using registry = await startRegistry({ dir: scratch.path('registry-zstd') })
    const layersOf = async (name: string): Promise<readonly { mediaType: string; digest: string }[]> => {
      const accept = 'application/vnd.oci.image.manifest.v1+json'
      const answer = await fetch(`http://${registry.host}/v2/zstd/manifests/${name}`, { headers: { accept } })
      return JSON.parse(await answer.text()).layers
    }
    const image = (tag: string): string => `type=registry,name=${registry.host}/zstd:${tag},compression=zstd`
    const cache = `type=registry,ref=${registry.host}/zstd:cache`
    const plain = '--provenance=false'
    await build(await machine(), plain, '-o', image('first'), '--cache-to', `${cache},mode=max`)
    const first = await layersOf('first')
    const cached = new Map((await layersOf('cache')).map(layer => [layer.digest, layer.mediaType]))
    assert.equal(first.length, 2)
    for (const layer of first) assert.equal(cached.get(layer.digest), layer.mediaType)
    assert.deepEqual([...new Set(cached.values())], ['application/vnd.oci.image.layer.v1.tar+zstd'])
    await build(await machine(), plain, '-o', image('second'), '--cache-from', cache)
    assert.deepEqual(await layersOf('second'), first)
    const asked = `type=registry,ref=${registry.host}/zstd:gzip,compression=gzip`
    await build(await machine(), plain, '-o', image('third'), '--cache-to', asked)
    for (const layer of await layersOf('gzip')) assert.match(layer.mediaType, /gzip$/)
  })

  it('inside of images, asked for either way', { skip: lacks({ registry: true }) }, async () => {
    await using registry = await startRegistry({ dir: scratch.path('registry-inline') })
    const ways = [
      ['--cache-to', 'type=inline'],
      ['--build-arg', 'BUILDKIT_INLINE_CACHE=1'],
    ]
    for (const [i, way] of ways.entries()) {
      const image = `${registry.host}/inline/app:${i}`
      await build(await machine(), '-t', image, '--push', ...way)
      const arg = way.slice(way[0] === '--build-arg' ? 0 : 2)
      const read = await build(await machine(), '--cache-from', image, ...arg)
      assert.deepEqual(stepsDone(read), [], read)
    }
  })

  it('in S3, with credentials of the environment', async () => {
    await using server = await startS3Server()
    const place = { bucket: 'cache', region: 'us-east-1', endpoint_url: server.url, use_path_style: 'true' }
    const env = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test-secret' }
    await roundTrip(attributes('s3', { ...place, name: 'app' }), env)
    assert.ok(server.objects.has('cache/manifests/app'))
  })

  it('in Azure’s blob storage', { skip: lacks({ npmPeers: ['azurite'] }) }, async () => {
    await using azurite = await startAzurite(scratch.path('azurite'))
    await roundTrip(attributes('azblob', azurite.attributes))
  })

  it('of GitHub Actions, as the environment of a workflow run says, and nowhere else', async () => {
    await using server = await startActionsCache()
    const token = runtimeToken([{ Scope: 'refs/heads/main', Permission: 3 }])
    const run = {
      ACTIONS_RUNTIME_TOKEN: token,
      ACTIONS_RESULTS_URL: server.url,
      ACTIONS_CACHE_SERVICE_V2: 'true',
    }
    await roundTrip('type=gha,scope=app', run)
    assert.ok(server.entries.some(one => one.key.startsWith('index-app-1-')))
    const first = { ACTIONS_RUNTIME_TOKEN: token, ACTIONS_CACHE_URL: server.url }
    await roundTrip('type=gha,scope=first', first)
    const outside = await build(await machine(), '--cache-to', 'type=gha', '--cache-from', 'type=gha')
    assert.doesNotMatch(outside, /gha|GitHub/)
  })

  it('that cannot be written fail the build, unless that is to be ignored', async () => {
    const attrs = {
      bucket: 'b',
      region: 'r',
      endpoint_url: 'http://127.0.0.1:1',
      access_key_id: 'a',
      secret_access_key: 's',
    }
    const cache = attributes('s3', attrs)
    const on = await machine()
    const lenient = await build(on, '--cache-to', `${cache},ignore-error=true`)
    assert.match(lenient, /ERROR: .*connection refused/)
    await assert.rejects(build(on, '--cache-to', cache), /connection refused/)
    const read = await build(on, '--cache-from', cache)
    assert.match(read, /importing cache manifest from s3:\d+\n#\d+ ERROR: .*connection refused/)
    await assert.rejects(
      build(on, '--cache-to', 'type=s3,region=r'),
      /failed to configure s3 cache exporter: bucket/,
    )
  })

  it('show no credentials, not even in the history', async () => {
    await using server = await startS3Server({ accounts: { test: 'canary-key' } })
    const place = { bucket: 'cache', region: 'us-east-1', endpoint_url: server.url, use_path_style: 'true' }
    const cache = attributes('s3', { ...place, access_key_id: 'test', secret_access_key: 'canary-key' })
    const on = await machine()
    const output = await build(on, '--cache-to', cache, '--cache-from', cache, '--provenance', 'mode=max')
    const history = await on.run('history', 'inspect', '--format', 'json')
    const state = await run(['grep', '-rlc', 'canary-key', scratch.path(`m${machines - 1}`)]).catch(() => '')
    assert.doesNotMatch(output + history, /canary-key/)
    assert.equal(state, '')
  })

  it('of a real BuildKit speed up Slipway, and the other way round', {
    skip: lacks({ programs: ['buildkitd', 'buildctl', 'runc'] }),
  }, async () => {
    const address = `unix://${scratch.path('bk.sock')}`
    const flags = ['--oci-worker=true', '--containerd-worker=false', '--root', scratch.path('bk')]
    await using _buildkit = await startBackground(['buildkitd', '--addr', address, ...flags], {
      ready: output => /running server on/.test(output),
    })
    const real = async (...options: readonly string[]): Promise<string> => {
      const context = scratch.path('context')
      const command = [
        'buildctl',
        '--addr',
        address,
        'build',
        '--progress',
        'plain',
        '--frontend',
        'dockerfile.v0',
      ] as const
      const dirs = ['--local', `context=${context}`, '--local', `dockerfile=${context}`]
      // buildctl shows its progress on standard error.
      return run(['sh', '-c', 'exec "$@" 2>&1', 'sh', ...command, ...dirs, ...options])
    }
    await using s3 = await startS3Server()
    await using gha = await startActionsCache()
    const token = runtimeToken([{ Scope: 'refs/heads/main', Permission: 3 }])
    const keys = { access_key_id: 'test', secret_access_key: 'test-secret' }
    const place = {
      bucket: 'cache',
      region: 'us-east-1',
      endpoint_url: s3.url,
      use_path_style: 'true',
      ...keys,
    }
    const services: ((name: string) => string)[] = [
      name => attributes('s3', { ...place, name }),
      name => attributes('gha', { url_v2: gha.url, token, scope: name }),
      name => attributes('gha', { url: gha.url, version: '1', token, scope: name }),
    ]
    for (const [i, cache] of services.entries()) {
      await build(await machine(), '--cache-to', `${cache(`ours${i}`)},mode=max`)
      await run(['buildctl', '--addr', address, 'prune', '--all'])
      const read = await real('--import-cache', cache(`ours${i}`), '--output', 'type=oci,dest=/dev/null')
      // What is needed for the output is fetched: only that step is not called cached.
      assert.ok(stepsDone(read).length <= 1 && /sha256:\w+ \d+B \/ \d+B/.test(read), read)
      await real('--no-cache', '--export-cache', `${cache(`theirs${i}`)},mode=max`)
      const ours = await build(await machine(), '--cache-from', cache(`theirs${i}`))
      assert.deepEqual(stepsDone(ours), [], ours)
    }
  })
})
