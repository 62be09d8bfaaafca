import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { makeScratch } from '../../test/support/scratch.ts'
import { parseCacheEntries } from '../bake/attrs/cache-entry.ts'
import { digestOf } from '../oci/digest.ts'
import { describeBytes, marshalManifest } from '../oci/manifest.ts'
import { mediaType } from '../oci/media-type.ts'
import { prepareCaches } from './cache-options.ts'
import { completeCacheEntry } from './complete-cache-entry.ts'

const signal = new AbortController().signal

describe('what the environment says of a cache', () => {
  const complete = async (text: string, env: Record<string, string>) => {
    const [entry] = parseCacheEntries([text])
    assert.ok(entry)
    const surroundings = { env: { HOME: '/nonexistent', ...env }, proxy: {}, now: () => Date.now(), signal }
    const done = await completeCacheEntry(entry, surroundings)
    return done && { ...done.attributes }
  }

  it('is service and token of a workflow run for gha', async () => {
    const env = {
      ACTIONS_RUNTIME_TOKEN: 'secret',
      ACTIONS_CACHE_URL: 'https://one',
      ACTIONS_RESULTS_URL: 'https://two',
    }
    assert.deepEqual(await complete('type=gha,scope=s', env), {
      scope: 's',
      token: 'secret',
      url: 'https://one',
    })
    const second = { ...env, ACTIONS_CACHE_SERVICE_V2: 'True' }
    assert.deepEqual(await complete('type=gha', second), {
      token: 'secret',
      url: 'https://one',
      url_v2: 'https://two',
    })
    assert.deepEqual(await complete('type=gha,version=1', second), {
      version: '1',
      token: 'secret',
      url: 'https://one',
    })
    const { ACTIONS_CACHE_URL: _none, ...results } = second
    assert.equal((await complete('type=gha', results))?.['url'], 'https://two')
    assert.deepEqual(await complete('type=gha,token=t,url=u', env), { token: 't', url: 'u' })
  })

  it('decides that a gha cache is left out where there is no workflow run', async () => {
    assert.equal(await complete('type=gha', {}), undefined)
    assert.equal(await complete('type=gha', { ACTIONS_RUNTIME_TOKEN: 't' }), undefined)
    assert.equal(await complete('type=gha', { ACTIONS_CACHE_URL: 'https://one' }), undefined)
  })

  it('is credentials for s3', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' }
    assert.deepEqual(await complete('type=s3,bucket=b', env), {
      bucket: 'b',
      access_key_id: 'id',
      secret_access_key: 'secret',
      session_token: 'token',
    })
    const given = { access_key_id: 'a', secret_access_key: 'b' }
    assert.deepEqual(await complete('type=s3,access_key_id=a,secret_access_key=b', env), given)
    const nothing = { AWS_EC2_METADATA_DISABLED: 'true' }
    assert.deepEqual(await complete('type=s3,bucket=b', nothing), { bucket: 'b' })
  })

  it('comes from the profile that is chosen', async () => {
    await using scratch = await makeScratch()
    await mkdir(scratch.path('.aws'))
    await writeFile(scratch.path('.aws', 'config'), '[profile other]\naws_access_key_id = from-config\n')
    const text =
      '[default]\naws_access_key_id=d\naws_secret_access_key=ds\n[other]\naws_secret_access_key = os # c\n'
    await writeFile(scratch.path('.aws', 'credentials'), text)
    const chosen = async (env: Record<string, string>) => {
      const found = await complete('type=s3', { HOME: scratch.dir, ...env })
      return [found?.['access_key_id'], found?.['secret_access_key']]
    }
    assert.deepEqual(await chosen({}), ['d', 'ds'])
    assert.deepEqual(await chosen({ AWS_PROFILE: 'other' }), ['from-config', 'os'])
    assert.deepEqual(await chosen({ AWS_PROFILE: 'none' }), [undefined, undefined])
  })

  it('is nothing for other caches', async () => {
    assert.deepEqual(await complete('user/app', { AWS_ACCESS_KEY_ID: 'id' }), { ref: 'user/app' })
  })
})

describe('caches of a build', () => {
  const prepare = (cwd: string, from: readonly string[], to: readonly string[], buildArgs = {}) =>
    prepareCaches(
      { cacheFrom: parseCacheEntries(from), cacheTo: parseCacheEntries(to), buildArgs },
      { cwd, complete: async entry => (entry.type === 'gha' ? undefined : entry) },
    )

  async function putCache(directory: string, content: string): Promise<{ response: Record<string, string> }> {
    const blobs = join(directory, 'blobs', 'sha256')
    await mkdir(blobs, { recursive: true })
    const put = async (bytes: Uint8Array): Promise<void> =>
      writeFile(join(blobs, digestOf(bytes).slice('sha256:'.length)), bytes)
    const [config, layer] = [Buffer.from(`config ${content}`), Buffer.from(`layer ${content}`)]
    const manifest = marshalManifest({
      schemaVersion: 2,
      mediaType: mediaType.ociManifest,
      config: describeBytes(config, 'application/vnd.buildkit.cacheconfig.v0'),
      layers: [describeBytes(layer, mediaType.ociLayer)],
    })
    for (const bytes of [config, layer, manifest]) await put(bytes)
    const { mediaType: type, digest, size } = describeBytes(manifest, mediaType.ociManifest)
    return { response: { 'cache.manifest': JSON.stringify({ mediaType: type, digest, size }) } }
  }

  it('include an inline cache where the build argument asks for it', async () => {
    const types = async (to: readonly string[], buildArgs: Record<string, string>) =>
      (await prepare('/', [], to, buildArgs)).exports.map(one => one.Type)
    assert.deepEqual(await types([], { BUILDKIT_INLINE_CACHE: '1' }), ['inline'])
    assert.deepEqual(await types([], { BUILDKIT_INLINE_CACHE: 'false' }), [])
    assert.deepEqual(await types([], { BUILDKIT_INLINE_CACHE: 'perhaps' }), [])
    assert.deepEqual(await types(['type=inline'], { BUILDKIT_INLINE_CACHE: 'true' }), ['inline'])
  })

  it('leave out what the environment leaves out', async () => {
    const { exports, imports, frontendAttrs } = await prepare('/', ['type=gha', 'r'], ['type=gha'])
    assert.deepEqual([exports, imports.map(one => one.Type)], [[], ['registry']])
    assert.equal(frontendAttrs['cache-imports'], '[{"Type":"registry","Attrs":{"ref":"r"}}]')
  })

  it('in directories are entered under their tag, and found by it', async () => {
    await using scratch = await makeScratch()
    const caches = await prepare(scratch.dir, [], ['type=local,dest=out,tag=mine'])
    assert.deepEqual(caches.stores, { 'local:out': { path: scratch.path('out'), writable: true } })
    const { response } = await putCache(scratch.path('out'), 'one')
    await caches.finish(response)
    const { digest } = JSON.parse(response['cache.manifest'] ?? '') as { digest: string }
    const { imports, warnings } = await prepare(
      scratch.dir,
      ['type=local,src=out,tag=mine', 'type=local,src=out'],
      [],
    )
    assert.deepEqual(imports, [{ Type: 'local', Attrs: { src: 'out', tag: 'mine', digest } }])
    assert.deepEqual(warnings, [
      'local cache import at out skipped due to err: no digest found for tag latest',
    ])
  })

  it('in directories keep what nobody refers to any more, unless they are to be reset', async () => {
    await using scratch = await makeScratch()
    const write = async (content: string, more: string): Promise<number> => {
      const caches = await prepare(scratch.dir, [], [`type=local,dest=out${more}`])
      await caches.finish((await putCache(scratch.path('out'), content)).response)
      return (await readdir(scratch.path('out', 'blobs', 'sha256'))).length
    }
    assert.equal(await write('one', ''), 3)
    assert.equal(await write('two', ',tag=other'), 6)
    assert.equal(await write('three', ''), 9)
    assert.equal(await write('four', ',reset=true'), 6)
    const index = JSON.parse(await readFile(scratch.path('out', 'index.json'), 'utf8')) as {
      manifests: object[]
    }
    assert.equal(index.manifests.length, 2)
  })

  it('in directories have names that a header can carry', async () => {
    await using scratch = await makeScratch()
    const { exports, stores } = await prepare(scratch.dir, [], ['type=local,dest=Zwischenläger'])
    assert.deepEqual(Object.keys(stores), ['local:Zwischenl%C3%A4ger'])
    assert.equal(exports[0]?.Attrs['dest'], 'Zwischenl%C3%A4ger')
    assert.equal(stores['local:Zwischenl%C3%A4ger']?.path, scratch.path('Zwischenläger'))
  })

  it('are refused in the words of the real client', async () => {
    await assert.rejects(prepare('/', ['type=registry'], []), /registry cache importer requires ref/)
    await assert.rejects(prepare('/', [], ['type=registry']), /registry cache exporter requires ref/)
    await assert.rejects(prepare('/', ['type=local'], []), /local cache importer requires src/)
    await assert.rejects(prepare('/', [], ['type=local']), /local cache exporter requires dest/)
    await assert.rejects(
      prepare('/', [], ['type=local,dest=d,reset=maybe']),
      /failed to parse reset attribute: strconv\.ParseBool: parsing "maybe": invalid syntax/,
    )
  })
})
