import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { collect, collectText } from '../bytes/collect.ts'
import { digestOf } from '../oci/digest.ts'
import { MemoryImageStore } from '../oci/memory-image-store.ts'
import { mediaType } from '../oci/media-type.ts'
import { imageStoreContract } from './testing/image-store-contract.ts'
import {
  InProcessRegistry,
  type InProcessRegistryOptions,
  type RegistryFault,
  type SeenRequest,
} from './testing/in-process-registry.ts'
import { blobOf, putImage, TestClient } from './testing/test-client.ts'

const text = (stream: AsyncIterable<Uint8Array>): Promise<string> => collectText(stream, { limit: 1 << 24 })

describe('a registry repository', () => {
  imageStoreContract(() => opened({}))
})

describe('a registry repository without the referrers API', () => {
  imageStoreContract(() => opened({ referrersApi: false }))
})

describe('a memory store', () => {
  imageStoreContract(async () => ({ store: new MemoryImageStore(), [Symbol.asyncDispose]: async () => {} }))
})

async function opened(options: InProcessRegistryOptions) {
  const registry = await InProcessRegistry.start(options)
  const client = TestClient.make()
  return {
    registry,
    client,
    store: client.at(registry.host, 'me/app'),
    [Symbol.asyncDispose]: async () => {
      client[Symbol.dispose]()
      await registry[Symbol.asyncDispose]()
    },
  }
}

const first = (fault: RegistryFault, match: (r: SeenRequest) => boolean) => (r: SeenRequest) =>
  r.before === 0 && match(r) ? fault : undefined

describe('pulling', () => {
  it('resolves by tag, then asks by digest only', async () => {
    await using o = await opened({})
    const image = await putImage(o.store, { tag: 'v1' })
    assert.equal((await o.store.head('v1'))?.digest, image.descriptor.digest)
    assert.equal(await text(o.store.fetch(image.layers[0] ?? image.config)), 'layer')
    assert.deepEqual(
      o.registry.seen('HEAD', 'manifests/v1').map(r => r.path),
      ['/v2/me/app/manifests/v1', '/v2/me/app/manifests/v1'],
    )
  })

  it('gets the manifest where HEAD is not allowed or tells nothing', async () => {
    for (const answer of [{ status: 405 }, { status: 403 }, { status: 200 }]) {
      await using o = await opened({
        fault: r => (r.method === 'HEAD' && r.before > 0 ? { kind: 'answer', ...answer } : undefined),
      })
      const image = await putImage(o.store, { tag: 'v1' })
      assert.deepEqual(await o.store.head('v1'), image.descriptor)
    }
  })

  it('goes on where a broken transfer broke', async () => {
    const cut = first(
      { kind: 'truncate', after: 400_000 },
      r => r.method === 'GET' && r.path.includes('/blobs/'),
    )
    await using o = await opened({ fault: cut })
    const { descriptor, open } = blobOf(new Uint8Array(1_000_000).fill(7))
    await o.store.putBlob(descriptor, open)
    assert.equal((await collect(o.store.fetch(descriptor), { limit: 1 << 21 })).length, 1_000_000)
    const [, again] = o.registry.seen('GET', '/blobs/')
    assert.match(again?.range ?? '', /^bytes=[1-9]\d+-$/)
    assert.deepEqual(o.client.pauses, [1000])
    assert.match(o.client.notices.join('\n'), /^error: failed to do request: Get .*\nretrying in 1s$/)
  })

  it('starts anew without harm where the registry knows no ranges', async () => {
    let cut = false
    await using o = await opened({
      fault: r => {
        if (r.method !== 'GET' || !r.path.includes('/blobs/')) return undefined
        if (!cut) {
          cut = true
          return { kind: 'truncate', after: 400_000 }
        }
        return { kind: 'answer', status: 200, body: new Uint8Array(1_000_000).fill(7) }
      },
    })
    const { descriptor, open } = blobOf(new Uint8Array(1_000_000).fill(7))
    await o.store.putBlob(descriptor, open)
    assert.equal((await collect(o.store.fetch(descriptor), { limit: 1 << 21 })).length, 1_000_000)
  })

  it('tries four times, a second, two and four apart, on 5xx and broken connections', async () => {
    for (const fault of [{ kind: 'answer', status: 503 }, { kind: 'reset' }] as const) {
      await using o = await opened({
        fault: r => (r.path.includes('/blobs/') && r.method === 'GET' ? fault : undefined),
      })
      const { descriptor, open } = blobOf('x')
      await o.store.putBlob(descriptor, open)
      await assert.rejects(text(o.store.fetch(descriptor)), { code: 'unavailable' })
      assert.deepEqual(o.client.pauses, [1000, 2000, 4000])
    }
  })

  it('waits as long as a registry that is asked too often wants', async () => {
    const busy = first(
      { kind: 'answer', status: 429, headers: { 'retry-after': '7' } },
      r => r.method === 'PUT' && r.path.includes('/manifests/'),
    )
    await using o = await opened({ fault: busy })
    await putImage(o.store, { tag: 'v1' })
    assert.deepEqual(o.client.pauses, [7000])
  })

  it('does not wait for a registry that wants to be left alone for a year', async () => {
    const headers = { 'retry-after': '31536000' }
    await using o = await opened({ fault: () => ({ kind: 'answer', status: 429, headers }) })
    await assert.rejects(o.store.resolve('v1'), { code: 'resource-exhausted', hint: /31536000 seconds/ })
    assert.deepEqual(o.client.pauses, [])
  })

  it('takes small content from the descriptor itself, checked', async () => {
    await using o = await opened({})
    const { descriptor } = blobOf('{}', mediaType.ociEmpty)
    assert.equal(await text(o.store.fetch({ ...descriptor, data: 'e30=' })), '{}')
    assert.equal(o.registry.requests.length, 0)
  })

  it('asks the registry where a descriptor brings something else than it describes', async () => {
    await using o = await opened({})
    const { descriptor, open } = blobOf('{}', mediaType.ociEmpty)
    await o.store.putBlob(descriptor, open)
    assert.equal(await text(o.store.fetch({ ...descriptor, data: 'e3t9' })), '{}')
  })

  it('lists tags page by page', async () => {
    await using o = await opened({ pageSize: 2 })
    for (const tag of ['a', 'b', 'c', 'd', 'e']) await putImage(o.store, { tag })
    assert.deepEqual(await o.store.tags(), ['a', 'b', 'c', 'd', 'e'])
    assert.equal(o.registry.seen('GET', 'tags/list').length, 3)
  })

  it('stops at once when aborted, even while the registry says nothing', async () => {
    await using o = await opened({ fault: r => (r.method === 'GET' ? { kind: 'hang' } : undefined) })
    const controller = new AbortController()
    const resolving = o.store.resolve('v1', { signal: controller.signal })
    setImmediate(() => controller.abort())
    await assert.rejects(resolving, { code: 'canceled', message: 'context canceled' })
  })

  it('gives up on a registry that says nothing', async () => {
    await using registry = await InProcessRegistry.start({ fault: () => ({ kind: 'hang' }) })
    using client = TestClient.make({ times: { answerTimeout: 20 } })
    await assert.rejects(client.at(registry.host, 'a').resolve('b'), {
      code: 'deadline-exceeded',
      message: /i\/o timeout/,
    })
  })

  it('frees its place when the reader leaves early', async () => {
    await using o = await opened({})
    const { descriptor, open } = blobOf(new Uint8Array(300_000))
    await o.store.putBlob(descriptor, open)
    for (let i = 0; i < 10; i++) for await (const _ of o.store.fetch(descriptor)) break
    assert.equal((await collect(o.store.fetch(descriptor), { limit: 1 << 20 })).length, 300_000)
  })
})

describe('pushing', () => {
  it('sends a blob in one request, and asks for a manifest before it puts it', async () => {
    await using o = await opened({})
    await putImage(o.store, { tag: 'v1' })
    assert.equal(o.registry.seen('PATCH').length, 0)
    assert.equal(o.registry.seen('PUT', 'manifests/v1').length, 1)
    await putImage(o.store, { tag: 'v1' })
    assert.equal(o.registry.seen('PUT', 'manifests/v1').length, 1)
  })

  it('sends in pieces where it is told to', async () => {
    await using o = await opened({})
    using client = TestClient.make({ uploadChunkSize: 100_000 })
    const { descriptor, open } = blobOf(new Uint8Array(250_000).fill(3))
    await client.at(o.registry.host, 'me/app').putBlob(descriptor, open)
    assert.equal(o.registry.seen('PATCH').length, 3)
    assert.equal(await o.store.hasBlob(descriptor), true)
  })

  it('goes on where a broken upload broke', async () => {
    await using o = await opened({
      fault: first({ kind: 'cut-upload', after: 600_000 }, r => r.method === 'PUT'),
    })
    const { descriptor, open } = blobOf(new Uint8Array(2_000_000).fill(5))
    await o.store.putBlob(descriptor, open)
    assert.equal(await o.store.hasBlob(descriptor), true)
    assert.equal(o.registry.seen('POST').length, 1)
    assert.equal(o.registry.seen('PATCH').length, 1)
  })

  it('begins anew where the registry has forgotten the upload', async () => {
    const faults: RegistryFault[] = [{ kind: 'reset' }]
    await using o = await opened({
      fault: r =>
        r.method === 'PUT'
          ? faults.pop()
          : r.method === 'GET' && r.path.includes('uploads')
            ? { kind: 'answer', status: 404 }
            : undefined,
    })
    const { descriptor, open } = blobOf('content')
    await o.store.putBlob(descriptor, open)
    assert.equal(o.registry.seen('POST').length, 2)
    assert.equal(await o.store.hasBlob(descriptor), true)
  })

  it('fails with what the registry says', async () => {
    await using o = await opened({
      fault: r =>
        r.method === 'PUT' && r.path.includes('manifests')
          ? {
              kind: 'answer',
              status: 400,
              body: '{"errors":[{"code":"MANIFEST_INVALID","message":"bad <tag>"}]}',
            }
          : undefined,
    })
    await assert.rejects(putImage(o.store, { tag: 'v1' }), {
      code: 'invalid-argument',
      message: new RegExp(
        `^failed commit on ref "manifest-sha256:\\w{64}": unexpected status from PUT request to http://${o.registry.host}/v2/me/app/manifests/v1: 400 Bad Request\nunknown: bad <tag>$`,
      ),
    })
  })

  it('mounts from another repository, and uses the upload that a refused mount left', async () => {
    await using o = await opened({})
    const from = o.client.at(o.registry.host, 'me/base')
    const { descriptor, open } = blobOf('shared')
    const other = blobOf('not there')
    await from.putBlob(descriptor, open)
    assert.equal(await o.store.mountBlob(descriptor, from), true)
    assert.equal(await o.store.hasBlob(descriptor), true)
    assert.equal(await o.store.mountBlob(other.descriptor, from), false)
    const posts = o.registry.seen('POST').length
    await o.store.putBlob(other.descriptor, other.open)
    assert.equal(o.registry.seen('POST').length, posts)
    assert.equal(o.registry.content.uploads.size, 0)
  })

  it('does not try to mount what is elsewhere', async () => {
    await using o = await opened({})
    assert.equal(await o.store.mountBlob(blobOf('x').descriptor, new MemoryImageStore()), false)
    assert.equal(await o.store.mountBlob(blobOf('x').descriptor, o.client.at('other.example', 'a')), false)
    assert.equal(o.registry.requests.length, 0)
  })

  it('tells a source that ends early from a registry that fails', async () => {
    await using o = await opened({})
    const { descriptor } = blobOf('a longer content')
    await assert.rejects(o.store.putBlob(descriptor, blobOf('a').open), {
      code: 'data-loss',
      message: /1 bytes, expected 16/,
    })
    assert.deepEqual(o.client.pauses, [])
  })

  it('keeps at most four blobs on their way at once', async () => {
    await using o = await opened({})
    let open = 0
    let most = 0
    const blobs = Array.from({ length: 12 }, (_, i) => blobOf(`blob ${i}`))
    await Promise.all(
      blobs.map(b =>
        o.store.putBlob(b.descriptor, async function* (offset) {
          most = Math.max(most, ++open)
          yield* b.open(offset)
          await new Promise(resolve => setImmediate(resolve))
          open--
        }),
      ),
    )
    assert.equal(most <= 4, true)
    assert.equal(most > 1, true)
  })
})

describe('a lying or hostile registry', () => {
  const config = { mediaType: mediaType.ociConfig, digest: digestOf('c'), size: 1 }
  const manifest = JSON.stringify({ schemaVersion: 2, config, layers: [] })
  const serve = (
    answer: Omit<RegistryFault & { kind: 'answer' }, 'kind' | 'status'>,
    status = 200,
  ): Promise<Awaited<ReturnType<typeof opened>>> =>
    opened({ fault: r => (r.method === 'GET' ? { kind: 'answer', status, ...answer } : undefined) })

  const table: readonly [what: string, answer: Parameters<typeof serve>[0], code: string, message: RegExp][] =
    [
      [
        'a page instead of a manifest',
        { body: '<html>login</html>', headers: { 'content-type': 'text/html' } },
        'invalid-argument',
        /^failed to parse manifest: invalid JSON$/,
      ],
      [
        'a digest header that is no digest',
        { body: manifest, headers: { 'docker-content-digest': 'sha256:zz' } },
        'invalid-argument',
        /^"sha256:zz" in header not a valid digest$/,
      ],
      [
        'a digest header that does not fit',
        { body: manifest, headers: { 'docker-content-digest': digestOf('x') } },
        'data-loss',
        /unexpected manifest digest/,
      ],
      [
        'a manifest that claims to be huge',
        { headers: { 'content-length': '99999999999' } },
        'resource-exhausted',
        /^rejecting 99999999999 byte manifest for /,
      ],
      [
        'a redirect to nowhere',
        { headers: { location: 'file:///etc/passwd' } },
        'unavailable',
        /unable to parse location/,
      ],
    ]
  for (const [what, answer, code, message] of table) {
    it(`that sends ${what} gives one clear error`, async () => {
      await using o = await serve(answer, what.includes('redirect') ? 307 : 200)
      await assert.rejects(o.store.resolve('v1'), { code, message })
    })
  }

  it('that never ends a manifest is cut off at the limit', async () => {
    const spaces = ' '.repeat(1 << 20)
    const http = await import('node:http')
    const server = http.createServer((_, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write(spaces, () => setImmediate(more))
      }
      more()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    using client = TestClient.make()
    const address = server.address() as { port: number }
    try {
      await assert.rejects(client.at(`127.0.0.1:${address.port}`, 'a').resolve('b'), {
        code: 'resource-exhausted',
        message: /^manifest of 127.0.0.1:\d+\/a:b is larger than 4393216 bytes$/,
      })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('that redirects in a circle is left after ten steps', async () => {
    await using o = await opened({
      fault: r => ({ kind: 'answer', status: 307, headers: { location: r.path } }),
    })
    await assert.rejects(o.store.resolve('v1'), { message: /stopped after 10 redirects$/ })
    assert.equal(o.registry.requests.length, 11)
  })

  it('that alters a blob is found out by the digest', async () => {
    await using o = await opened({
      fault: r => (r.method === 'GET' ? { kind: 'alter', body: b => b.map(x => x ^ 1) } : undefined),
    })
    const { descriptor, open } = blobOf('content')
    await o.store.putBlob(descriptor, open)
    await assert.rejects(text(o.store.fetch(descriptor)), {
      code: 'data-loss',
      message: /^unexpected commit digest/,
    })
  })

  it('that sends more than it should is found out by the size, before all of it came', async () => {
    await using o = await opened({
      fault: r =>
        r.method === 'GET' ? { kind: 'alter', body: () => new Uint8Array(50_000_000) } : undefined,
    })
    const { descriptor, open } = blobOf('content')
    await o.store.putBlob(descriptor, open)
    await assert.rejects(text(o.store.fetch(descriptor)), {
      code: 'data-loss',
      message: /unexpected commit size at least/,
    })
  })

  it('that always ends too early is given up', async () => {
    await using o = await opened({
      fault: r => (r.method === 'GET' ? { kind: 'alter', body: b => b.subarray(0, 0) } : undefined),
    })
    const { descriptor, open } = blobOf('content')
    await o.store.putBlob(descriptor, open)
    await assert.rejects(text(o.store.fetch(descriptor)), {
      message: 'short read: expected 7 bytes but got 0: unexpected EOF',
    })
    assert.equal(o.registry.seen('GET', '/blobs/').length, 1, 'asking again would not change it')
  })

  it('that says another digest after a push is not believed', async () => {
    await using o = await opened({
      fault: r =>
        r.method === 'PUT' && r.path.includes('manifests')
          ? { kind: 'answer', status: 201, headers: { 'docker-content-digest': digestOf('x') } }
          : undefined,
    })
    await assert.rejects(putImage(o.store, { tag: 'v1' }), {
      code: 'data-loss',
      message:
        /^failed commit on ref "manifest-sha256:\w{64}": got digest sha256:\w{64}, expected sha256:\w{64}$/,
    })
  })

  it('that fills its error with a novel is cut short', async () => {
    const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'x'.repeat(10_000) }] })
    await using o = await serve({ body }, 418)
    await assert.rejects(o.store.resolve('v1'), (e: Error) => e.message.length < 1300)
    await using p = await serve(
      { body: JSON.stringify({ errors: [{ code: 'DENIED', message: 'x'.repeat(1e6) }] }) },
      418,
    )
    await assert.rejects(p.store.resolve('v1'), { message: /418 I'm a Teapot$/ })
  })
})

describe('no registry at all', () => {
  it('is refused in the words of Go, after the tries', async () => {
    using client = TestClient.make({ registries: { '127.0.0.1:1': { http: true } } })
    await assert.rejects(client.at('127.0.0.1:1', 'a').resolve('b'), {
      code: 'unavailable',
      message:
        'failed to do request: Head "http://127.0.0.1:1/v2/a/manifests/b": dial tcp 127.0.0.1:1: connect: connection refused',
    })
  })
})
