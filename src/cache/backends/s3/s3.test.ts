import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { startS3Server } from '../../../../test/support/s3-server.ts'
import type { Attributes } from '../../../exporter/attributes.ts'
import { digestOf } from '../../../oci/digest.ts'
import { readBlobs, sampleAccess, sampleCache, sampleContext } from '../../testing/sample-cache.ts'
import { marshalGraph } from '../../chains/marshal-graph.ts'
import { loadConfig } from '../../chains/load-config.ts'
import { objectUrl } from './bucket-url.ts'
import { createS3Exporter, createS3Importer } from './s3-cache.ts'
import { readS3Config } from './s3-config.ts'
import { awsEncode, awsQuery, emptyHash, signRequest } from './sigv4.ts'

const keys = { access_key_id: 'test', secret_access_key: 'test-secret' }
const attrsFor = (url: string, more: Attributes = {}): Attributes => ({
  bucket: 'cache',
  region: 'us-east-1',
  endpoint_url: url,
  use_path_style: 'true',
  ...keys,
  ...more,
})

describe('signing', () => {
  const credentials = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  }
  const scope = { region: 'us-east-1', service: 's3', now: Date.parse('2013-05-24T00:00:00Z') }
  const base = 'https://examplebucket.s3.amazonaws.com/'

  it('gives the signatures of the examples in the documentation of S3', () => {
    const examples = [
      ['?lifecycle=', 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
      [
        `?${awsQuery({ prefix: 'J', 'max-keys': '2' })}`,
        '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
      ],
    ] as const
    for (const [query, signature] of examples) {
      const request = { method: 'GET', url: new URL(base + query), payloadHash: emptyHash }
      const headers = signRequest(request, credentials, scope)
      assert.equal(headers['x-amz-date'], '20130524T000000Z')
      assert.equal(
        headers['authorization'],
        'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, ' +
          `SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
      )
    }
  })

  it('brings the token of a session along, signed', () => {
    const request = { method: 'GET', url: new URL(base), payloadHash: emptyHash }
    const headers = signRequest(request, { ...credentials, sessionToken: 'token' }, scope)
    assert.equal(headers['x-amz-security-token'], 'token')
    assert.match(headers['authorization'] ?? '', /x-amz-date;x-amz-security-token,/)
  })

  it('writes all but unreserved characters as numbers', () => {
    assert.equal(awsEncode("a-b_c.d~e!f'g(h)i*j k/l:ü"), 'a-b_c.d~e%21f%27g%28h%29i%2Aj%20k%2Fl%3A%C3%BC')
  })
})

describe('the URL of an object', () => {
  const url = (more: Attributes, key = 'blobs/sha256:1'): string =>
    objectUrl(readS3Config({ bucket: 'bucket', region: 'eu-west-1', ...more }, {}), key).href

  it('has the bucket in the host name, or in the path where that cannot be', () => {
    assert.equal(url({}), 'https://bucket.s3.eu-west-1.amazonaws.com/blobs/sha256%3A1')
    assert.equal(
      url({ region: 'cn-north-1' }),
      'https://bucket.s3.cn-north-1.amazonaws.com.cn/blobs/sha256%3A1',
    )
    assert.equal(url({ bucket: 'a.b' }), 'https://s3.eu-west-1.amazonaws.com/a.b/blobs/sha256%3A1')
    const endpoint_url = 'http://store:9000/root/'
    assert.equal(url({ endpoint_url }), 'http://bucket.store:9000/root/blobs/sha256%3A1')
    assert.equal(url({ endpoint_url, use_path_style: '1' }), 'http://store:9000/root/bucket/blobs/sha256%3A1')
    assert.equal(url({ endpoint_url: 'http://127.0.0.1:9' }), 'http://127.0.0.1:9/bucket/blobs/sha256%3A1')
    assert.equal(
      url({ use_path_style: 'true' }),
      'https://bucket.s3.eu-west-1.amazonaws.com/blobs/sha256%3A1',
    )
  })
})

describe('the attributes', () => {
  it('have defaults', () => {
    const config = readS3Config({ bucket: 'b', region: 'r' }, {})
    assert.deepEqual(config, {
      bucket: 'b',
      region: 'r',
      manifestsPrefix: 'manifests/',
      blobsPrefix: 'blobs/',
      names: ['buildkit'],
      touchRefreshMs: 86_400_000,
      endpoint: undefined,
      usePathStyle: false,
      credentials: undefined,
      uploadParallelism: 4,
      retryMode: 'standard',
      retryMaxAttempts: 3,
    })
  })

  it('say all that can be said', () => {
    const config = readS3Config(
      {
        prefix: 'p-',
        manifests_prefix: 'm_',
        blobs_prefix: 'b_',
        name: 'x;y',
        touch_refresh: '90m',
        endpoint_url: 'http://h',
        use_path_style: 'true',
        ...keys,
        session_token: 't',
        upload_parallelism: '7',
        retry_mode: 'adaptive',
        retry_max_attempts: '9',
        disable_accept_encoding: 'true',
      },
      { AWS_BUCKET: 'from-env', AWS_REGION: 'here' },
    )
    assert.deepEqual(
      { ...config, endpoint: config.endpoint?.href },
      {
        bucket: 'from-env',
        region: 'here',
        manifestsPrefix: 'p-m_',
        blobsPrefix: 'p-b_',
        names: ['x', 'y'],
        touchRefreshMs: 5_400_000,
        endpoint: 'http://h/',
        usePathStyle: true,
        credentials: { accessKeyId: 'test', secretAccessKey: 'test-secret', sessionToken: 't' },
        uploadParallelism: 7,
        retryMode: 'adaptive',
        retryMaxAttempts: 9,
      },
    )
  })

  it('are refused in the words of the real engine', () => {
    const good = { bucket: 'b', region: 'r' }
    const wrong: [Attributes, string][] = [
      [{ region: 'r' }, 'bucket ($AWS_BUCKET) not set for s3 cache'],
      [{ bucket: 'b' }, 'region ($AWS_REGION) not set for s3 cache'],
      [{ ...good, upload_parallelism: '0' }, 'upload_parallelism must be a positive integer'],
      [{ ...good, upload_parallelism: 'x' }, 'upload_parallelism must be a positive integer'],
      [{ ...good, retry_max_attempts: '-1' }, 'retry_max_attempts must be a positive integer'],
      [{ ...good, retry_mode: 'legacy' }, 'retry_mode must be "standard" or "adaptive"'],
    ]
    for (const [attrs, message] of wrong) assert.throws(() => readS3Config(attrs, {}), { message })
    assert.equal(readS3Config({ ...good, touch_refresh: 'soon' }, {}).touchRefreshMs, 86_400_000)
  })
})

describe('a cache in S3', () => {
  it('comes back as it was written, under the names of the real engine', async () => {
    await using server = await startS3Server()
    using access = sampleAccess()
    const { cache, read, blobs } = sampleCache('one', 'two')
    const attrs = attrsFor(server.url, { prefix: 'my/', name: 'a;b' })
    const ctx = sampleContext()
    assert.deepEqual(await createS3Exporter(attrs, access).write(cache, read, ctx), {})
    assert.deepEqual(
      [...server.objects.keys()].toSorted(),
      [
        ...[...blobs.keys()].map(digest => `cache/my/blobs/${digest}`),
        'cache/my/manifests/a',
        'cache/my/manifests/b',
      ].toSorted(),
    )
    assert.deepEqual(ctx.steps.toSorted(), [...blobs.keys()].map(one => `writing layer ${one}`).toSorted())
    const found = await createS3Importer(attrs, access).load(sampleContext())
    assert.deepEqual(await readBlobs(found), blobs)
    const [imported] = found.caches
    assert.ok(imported)
    assert.deepEqual(marshalGraph(loadConfig(imported.config, imported.layerOf)), cache)
  })

  it('is empty where there is none, and an error where the bucket is missing', async () => {
    await using server = await startS3Server()
    using access = sampleAccess()
    const load = (more: Attributes) =>
      createS3Importer(attrsFor(server.url, more), access).load(sampleContext())
    assert.deepEqual((await load({})).caches, [])
    await assert.rejects(
      load({ bucket: 'other' }),
      /StatusCode: 404, RequestID: , HostID: , api error NoSuchBucket: refused: NoSuchBucket$/,
    )
  })

  it('is read under its first name only', async () => {
    await using server = await startS3Server()
    using access = sampleAccess()
    const { cache, read } = sampleCache('one')
    await createS3Exporter(attrsFor(server.url, { name: 'b' }), access).write(cache, read, sampleContext())
    const load = (name: string) =>
      createS3Importer(attrsFor(server.url, { name }), access).load(sampleContext())
    assert.equal((await load('a;b')).caches.length, 0)
    assert.equal((await load('b;a')).caches.length, 1)
  })

  it('is not uploaded again, but touched when it is old', async () => {
    await using server = await startS3Server()
    using access = sampleAccess()
    const { cache, read, reads, layers } = sampleCache('one', 'two')
    const exporter = createS3Exporter(attrsFor(server.url), access)
    await exporter.write(cache, read, sampleContext())
    reads.clear()
    server.requests.length = 0
    const old = server.objects.get(`cache/blobs/${layers[0]?.descriptor.digest}`)
    assert.ok(old)
    old.modified = new Date(Date.now() - 25 * 3_600_000)
    await exporter.write(cache, read, sampleContext())
    assert.equal(reads.size, 0)
    const puts = server.requests.filter(request => request.startsWith('PUT'))
    assert.deepEqual(puts, [
      `PUT cache/blobs/${layers[0]?.descriptor.digest}`,
      'PUT cache/manifests/buildkit',
    ])
    const touched = server.objects.get(`cache/blobs/${layers[0]?.descriptor.digest}`)
    assert.ok(touched && Date.now() - touched.modified.getTime() < 60_000)
    assert.deepEqual(touched.bytes, old.bytes)
    assert.ok(touched.metadata['updated-at'])
  })

  it('is described only when all of its blobs are there', async () => {
    await using server = await startS3Server({
      fault: request =>
        request.startsWith('PUT cache/blobs/') ? { status: 403, code: 'AccessDenied' } : undefined,
    })
    using access = sampleAccess()
    const { cache, read } = sampleCache('one')
    await assert.rejects(
      createS3Exporter(attrsFor(server.url), access).write(cache, read, sampleContext()),
      /error writing layer blob: operation error S3: PutObject, https response error StatusCode: 403, RequestID: , HostID: , api error AccessDenied: refused: AccessDenied$/,
    )
    assert.equal(server.objects.size, 0)
  })

  it('goes over in parts where a blob is large, and what fails is taken back', async () => {
    let broken = false
    await using server = await startS3Server({
      fault: request =>
        broken && request.includes('partNumber=2') ? { status: 403, code: 'AccessDenied' } : undefined,
    })
    using access = sampleAccess()
    const piece = randomBytes(1 << 20)
    const large = sampleCache(Buffer.concat(Array.from({ length: 70 }, () => piece)))
    const attrs = attrsFor(server.url)
    await createS3Exporter(attrs, access).write(large.cache, large.read, sampleContext())
    assert.equal(server.requests.filter(request => request.includes('partNumber=')).length, 3)
    const found = await createS3Importer(attrs, access).load(sampleContext())
    const digests = [...(await readBlobs(found))].map(([, bytes]) => digestOf(bytes))
    assert.deepEqual(digests, [...large.blobs.keys()])
    server.objects.clear()
    broken = true
    await assert.rejects(
      createS3Exporter(attrs, access).write(large.cache, large.read, sampleContext()),
      /AccessDenied/,
    )
    assert.equal(server.uploads.size, 0)
    assert.equal(server.objects.size, 0)
  })

  it('is fetched although answers break off, are refused for a while or connections are cut', async () => {
    const faults = new Map<string, ('reset' | { cutAfter: number } | { status: number; code: string })[]>()
    await using server = await startS3Server({ fault: request => faults.get(request)?.shift() })
    using access = sampleAccess()
    const { cache, read, blobs } = sampleCache(randomBytes(300_000))
    const attrs = attrsFor(server.url)
    const slow = { status: 503, code: 'SlowDown' }
    const [digest] = blobs.keys()
    faults.set('PUT cache/manifests/buildkit', [slow, slow])
    await createS3Exporter(attrs, access).write(cache, read, sampleContext())
    faults.set('GET cache/manifests/buildkit', [slow, 'reset', { cutAfter: 100 }])
    faults.set(`GET cache/blobs/${digest}`, [{ cutAfter: 100_000 }, slow, { cutAfter: 50_000 }])
    const found = await createS3Importer(attrs, access).load(sampleContext())
    assert.deepEqual(await readBlobs(found), blobs)
    assert.ok(access.waits.length >= 5)
  })

  it('gives up after as many tries as are allowed', async () => {
    await using server = await startS3Server({ fault: () => ({ status: 500, code: 'InternalError' }) })
    using access = sampleAccess()
    const attrs = attrsFor(server.url, { retry_max_attempts: '5', retry_mode: 'adaptive' })
    await assert.rejects(
      createS3Importer(attrs, access).load(sampleContext()),
      /GetObject, exceeded maximum number of attempts, 5, https response error StatusCode: 500, .*api error InternalError: refused: InternalError$/,
    )
    assert.equal(server.requests.length, 5)
  })

  it('is refused with a wrong key, and the error shows no secret', async () => {
    await using server = await startS3Server()
    using access = sampleAccess()
    const attrs = attrsFor(server.url, { secret_access_key: 'wrong-secret' })
    await assert.rejects(createS3Importer(attrs, access).load(sampleContext()), (error: Error) => {
      assert.match(error.message, /StatusCode: 403, RequestID: , HostID: , api error SignatureDoesNotMatch: /)
      return !/wrong-secret|Signature=/.test(error.message)
    })
  })

  it('takes a missing blob for what it is', async () => {
    await using server = await startS3Server()
    using access = sampleAccess()
    const { cache, read } = sampleCache('one')
    const attrs = attrsFor(server.url)
    await createS3Exporter(attrs, access).write(cache, read, sampleContext())
    for (const key of server.objects.keys()) if (key.includes('blobs')) server.objects.delete(key)
    const found = await createS3Importer(attrs, access).load(sampleContext())
    await assert.rejects(readBlobs(found), { code: 'not-found' })
  })

  it('is refused where its description is none', async () => {
    await using server = await startS3Server()
    using access = sampleAccess()
    const put = (text: string): unknown =>
      server.objects.set('cache/manifests/buildkit', {
        bytes: Buffer.from(text),
        modified: new Date(),
        metadata: {},
      })
    const load = () => createS3Importer(attrsFor(server.url), access).load(sampleContext())
    put('{"layers":[')
    await assert.rejects(load(), /invalid JSON/)
    put(`{"layers":[{"blob":"${digestOf('x')}"}]}`)
    await assert.rejects(load(), /cache layer with missing annotations/)
  })
})
