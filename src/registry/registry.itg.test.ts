import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { collect } from '../bytes/collect.ts'
import { digestOf } from '../oci/digest.ts'
import { marshalImageConfig } from '../oci/image-config-json.ts'
import { describeBytes, marshalManifest } from '../oci/manifest.ts'
import { mediaType } from '../oci/media-type.ts'
import { MemoryImageStore } from '../oci/memory-image-store.ts'
import { ImageCopier } from './image-copier.ts'
import { LayoutStore } from './layout/layout-store.ts'
import { testAuthority, testServer } from './testing/certificates.ts'
import { CuttingProxy } from './testing/cutting-proxy.ts'
import { type DockerRegistry, noDockerRegistry, startDockerRegistry } from './testing/docker-registry.ts'
import { imageStoreContract } from './testing/image-store-contract.ts'
import { blobOf, putImage, putIndex, TestClient } from './testing/test-client.ts'

const run = promisify(execFile)
const skopeo = existsSync('/usr/bin/skopeo') ? false : 'skopeo is not installed (apt-get install skopeo)'

/** A directory that goes away. */
async function scratch() {
  const path = await mkdtemp(join(tmpdir(), 'slipway-itg-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

describe("Debian's docker-registry", { skip: noDockerRegistry }, () => {
  imageStoreContract(async () => {
    const registry = await startDockerRegistry()
    const client = TestClient.make()
    return {
      store: client.at(registry.host, 'me/app'),
      [Symbol.asyncDispose]: async () => {
        client[Symbol.dispose]()
        await registry[Symbol.asyncDispose]()
      },
    }
  })

  it('takes a large blob whole, in pieces, and by mount', async () => {
    await using registry = await startDockerRegistry()
    using client = TestClient.make()
    using pieces = TestClient.make({ uploadChunkSize: 5_000_000 })
    const { descriptor, open } = blobOf(Buffer.alloc(23_000_000, 'slipway '))
    const whole = client.at(registry.host, 'me/whole')
    await whole.putBlob(descriptor, open)
    await pieces.at(registry.host, 'me/pieces').putBlob(descriptor, open)
    assert.equal(await client.at(registry.host, 'me/mounted').mountBlob(descriptor, whole), true)
    for (const name of ['me/whole', 'me/pieces', 'me/mounted']) {
      const bytes = await collect(client.at(registry.host, name).fetch(descriptor), { limit: 1 << 25 })
      assert.equal(digestOf(bytes), descriptor.digest)
    }
  })

  it('sends the rest of a blob when asked for a range', async () => {
    await using registry = await startDockerRegistry()
    using client = TestClient.make()
    const { descriptor, open } = blobOf('0123456789')
    await client.at(registry.host, 'a').putBlob(descriptor, open)
    const answer = await fetch(`http://${registry.host}/v2/a/blobs/${descriptor.digest}`, {
      headers: { range: 'bytes=4-' },
    })
    assert.equal(answer.status, 206)
    assert.equal(answer.headers.get('content-range'), 'bytes 4-9/10')
  })

  it('is reached over TLS with a configured authority', async () => {
    await using files = await scratch()
    const path = (name: string): string => join(files.path, name)
    await writeFile(path('cert'), testServer.cert)
    await writeFile(path('key'), testServer.key)
    await writeFile(path('ca'), testAuthority)
    await using registry = await startDockerRegistry({ tls: { certificate: path('cert'), key: path('key') } })
    using client = TestClient.make({ registries: { [registry.host]: { ca: [path('ca')] } } })
    await putImage(client.at(registry.host, 'a'), { tag: 'v1' })
    assert.deepEqual(await client.ping(registry.host), { status: 200, schemes: [], plain: false })
  })

  it('lets in who has the password', async () => {
    // The password is "secret".
    const htpasswd = 'me:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a'
    await using registry = await startDockerRegistry({ htpasswd })
    using me = TestClient.make({ credentials: async () => ({ username: 'me', secret: 'secret' }) })
    await putImage(me.at(registry.host, 'a'), { tag: 'v1' })
    using wrong = TestClient.make({ credentials: async () => ({ username: 'me', secret: 'guess' }) })
    await assert.rejects(wrong.at(registry.host, 'a').resolve('v1'), { code: 'permission-denied' })
    using anybody = TestClient.make()
    await assert.rejects(anybody.at(registry.host, 'a').resolve('v1'), { code: 'unauthenticated' })
  })

  it('says what it does not like', async () => {
    await using registry = await startDockerRegistry()
    using client = TestClient.make()
    const store = client.at(registry.host, 'a')
    const bytes = marshalManifest({
      schemaVersion: 2,
      mediaType: mediaType.ociManifest,
      config: blobOf('missing').descriptor,
      layers: [],
    })
    await assert.rejects(
      store.putManifest(describeBytes(bytes, mediaType.ociManifest), bytes, { tags: ['x'] }),
      {
        message:
          /^failed commit on ref "manifest-sha256:\w+": unexpected status from PUT request to http:\/\/\S+\/v2\/a\/manifests\/x: (400 Bad Request|404 Not Found)\nunknown: /,
      },
    )
    await assert.rejects(store.tags(), { code: 'not-found' })
  })

  it('gets a blob in spite of broken connections, and gives it back', async () => {
    await using registry = await startDockerRegistry()
    await using proxy = await CuttingProxy.start(registry.host)
    using client = TestClient.make()
    const store = client.at(proxy.host, 'a')
    const { descriptor, open } = blobOf(Buffer.alloc(12_000_000, 'slipway '))
    proxy.cuts.push({ direction: 'up', after: 3_000_000 }, { direction: 'up', after: 8_000_000 })
    await store.putBlob(descriptor, open)
    proxy.cuts.push({ direction: 'down', after: 5_000_000 }, { direction: 'down', after: 5_000_000 })
    const bytes = await collect(store.fetch(descriptor), { limit: 1 << 24 })
    assert.equal(digestOf(bytes), descriptor.digest)
    assert.deepEqual(proxy.cuts, [])
    assert.equal(client.pauses.length, 4)
  })
})

/** An index with a real gzip layer for each of two platforms, as skopeo wants to see it. */
async function realIndex(store: MemoryImageStore) {
  const tar = Buffer.alloc(10_240)
  const platforms = [
    { architecture: 'amd64', os: 'linux' },
    { architecture: 'arm', os: 'linux', variant: 'v7' },
  ]
  const manifests = await Promise.all(
    platforms.map(async platform => {
      const layer = blobOf(gzipSync(tar), mediaType.ociLayerGzip)
      const config = blobOf(
        marshalImageConfig({
          ...platform,
          created: '2024-05-01T00:00:00Z',
          config: { Cmd: ['sh'] },
          rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
          history: [{ created_by: 'COPY / /' }],
        }),
        mediaType.ociConfig,
      )
      for (const { descriptor, open } of [layer, config]) await store.putBlob(descriptor, open)
      const bytes = marshalManifest({
        schemaVersion: 2,
        mediaType: mediaType.ociManifest,
        config: config.descriptor,
        layers: [layer.descriptor],
      })
      const descriptor = describeBytes(bytes, mediaType.ociManifest)
      await store.putManifest(descriptor, bytes)
      return { ...descriptor, platform }
    }),
  )
  return await putIndex(store, manifests, { tag: 'v1' })
}

describe('skopeo', { skip: noDockerRegistry || skopeo }, () => {
  const flags = ['--insecure-policy', '--command-timeout', '60s']

  async function withRegistry(
    work: (registry: DockerRegistry, client: TestClient, path: string) => Promise<void>,
  ): Promise<void> {
    await using registry = await startDockerRegistry()
    await using files = await scratch()
    using client = TestClient.make()
    await work(registry, client, files.path)
  }

  it('reads what we pushed, every platform', () =>
    withRegistry(async (registry, client, path) => {
      const memory = new MemoryImageStore()
      const index = await realIndex(memory)
      await new ImageCopier(client.at(registry.host, 'me/app')).copy(memory, index.descriptor, {
        tags: ['v1'],
      })
      const from = `docker://${registry.host}/me/app:v1`
      const raw = await run('skopeo', ['inspect', '--raw', '--tls-verify=false', from])
      assert.equal(raw.stdout, Buffer.from(index.bytes).toString())
      const arm = ['--override-arch', 'arm', '--override-variant', 'v7']
      const { stdout } = await run('skopeo', [...arm, 'inspect', '--tls-verify=false', from])
      assert.equal((JSON.parse(stdout) as { Architecture: string }).Architecture, 'arm')
      await run('skopeo', [...flags, 'copy', '--all', '--src-tls-verify=false', from, `oci:${path}/copy:v1`])
      assert.equal((await new LayoutStore(join(path, 'copy')).head('v1'))?.digest, index.descriptor.digest)
    }))

  it('writes what we read, and reads the layouts we write', () =>
    withRegistry(async (registry, client, path) => {
      const memory = new MemoryImageStore()
      const index = await realIndex(memory)
      const layout = new LayoutStore(join(path, 'ours'))
      await new ImageCopier(layout).copy(memory, index.descriptor, { tags: ['v1'] })
      const to = `docker://${registry.host}/from/skopeo:v2`
      await run('skopeo', [...flags, 'copy', '--all', '--dest-tls-verify=false', `oci:${path}/ours:v1`, to])
      const pulled = new MemoryImageStore()
      const store = client.at(registry.host, 'from/skopeo')
      const { descriptor } = await store.resolve('v2')
      assert.deepEqual(descriptor, index.descriptor)
      await new ImageCopier(pulled).copy(store, descriptor, { tags: ['v2'] })
      assert.equal(await readFile(join(path, 'ours/oci-layout'), 'utf8'), '{"imageLayoutVersion":"1.0.0"}')
    }))
})
