import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import {
  type ActionsCacheServer,
  runtimeToken,
  startActionsCache,
} from '../../../../test/support/actions-cache-server.ts'
import type { Attributes } from '../../../exporter/attributes.ts'
import { digestOf } from '../../../oci/digest.ts'
import { readBlobs, sampleAccess, sampleCache, sampleContext } from '../../testing/sample-cache.ts'
import { entryVersion } from './actions-cache.ts'
import { createGhaExporter, createGhaImporter } from './gha-cache.ts'
import { indexKey, readGhaConfig } from './gha-config.ts'
import { readRuntimeToken } from './runtime-token.ts'

const main = { Scope: 'refs/heads/main', Permission: 1 }
const branch = { Scope: 'refs/heads/dev', Permission: 3 }

const attrsOf = (server: ActionsCacheServer, version: 1 | 2, more: Attributes = {}): Attributes => ({
  ...(version === 1 ? { url: server.url, version: '1' } : { url_v2: server.url }),
  token: runtimeToken([branch, main]),
  ...more,
})

describe('the attributes', () => {
  it('choose the form of the service', () => {
    const form = (attrs: Attributes) => {
      const { version, url } = readGhaConfig({ token: 't', ...attrs })
      return [version, url.href]
    }
    const both = { url: 'http://one/', url_v2: 'http://two/' }
    assert.deepEqual(form(both), [2, 'http://two/'])
    assert.deepEqual(form({ ...both, version: '1' }), [1, 'http://one/'])
    assert.deepEqual(form({ url: 'http://one/' }), [1, 'http://one/'])
    assert.deepEqual(form({ url: 'http://one/', version: '2' }), [2, 'http://one/'])
    const github = 'https://results-receiver.actions.githubusercontent.com/'
    assert.deepEqual(form({ url: github }), [2, github])
  })

  it('are refused in the words of the real engine', () => {
    const wrong: [Attributes, RegExp][] = [
      [{}, /^token not set for github actions cache$/],
      [{ token: 't' }, /^url not set for github actions cache$/],
      [
        { token: 't', url: 'http://x', version: 'two' },
        /^failed to parse api version "two", expected positive integer: /,
      ],
      [
        { token: 't', url: 'http://x', timeout: 'soon' },
        /^failed to parse timeout for github actions cache: time: /,
      ],
    ]
    for (const [attrs, message] of wrong) assert.throws(() => readGhaConfig(attrs), { message })
    const { scope, timeoutMs, listing } = readGhaConfig({ token: 't', url: 'http://x' })
    assert.deepEqual([scope, timeoutMs, listing], ['buildkit', 600_000, undefined])
  })

  it('make keys that the real engine finds', () => {
    assert.equal(entryVersion, '693bb7016429d80366022f036f84856888c9f13e00145f5f6f4dce303a38d6f2')
    assert.equal(indexKey({ scope: 'mine' }, 'refs/heads/dev'), 'index-mine-1-5a70b200')
  })
})

describe('the token of a run', () => {
  const now = Date.now()
  const seconds = Math.floor(now / 1000)

  it('says which branches may be read and written', () => {
    assert.deepEqual(readRuntimeToken(runtimeToken([branch, main]), now), [
      { scope: 'refs/heads/dev', writable: true },
      { scope: 'refs/heads/main', writable: false },
    ])
  })

  it('is refused where it is none, too old or too new', () => {
    const claims = (value: object): string =>
      `h.${Buffer.from(JSON.stringify(value)).toString('base64url')}.s`
    const wrong: [string, RegExp][] = [
      ['x', /token is malformed: token contains an invalid number of segments/],
      ['a.b.c', /token is malformed: could not JSON decode claim/],
      [claims({}), /invalid token without access controls/],
      [claims({ ac: 1 }), /invalid token with access controls/],
      [claims({ ac: '[]' }), /invalid token without expiration time/],
      [claims({ ac: '[]', exp: seconds + 9 }), /invalid token without expiration time/],
      [claims({ ac: '{', exp: seconds + 9, nbf: 1 }), /failed to parse token access controls/],
      [runtimeToken([], { exp: 1_600_000_000 }), /^cache token expired at 2020-09-13 12:26:40 \+0000 UTC$/],
      [runtimeToken([], { nbf: seconds + 3600 }), /invalid token with future issue time/],
    ]
    for (const [token, message] of wrong) assert.throws(() => readRuntimeToken(token, now), { message })
  })
})

for (const version of [1, 2] as const) {
  describe(`a cache of GitHub Actions, form ${version} of the service`, () => {
    it('comes back as it was written, under the keys of the real engine', async () => {
      await using server = await startActionsCache()
      using access = sampleAccess()
      const { cache, read, blobs } = sampleCache('one', randomBytes(200_000))
      const attrs = attrsOf(server, version, { scope: 'mine' })
      const ctx = sampleContext()
      await createGhaExporter(attrs, access).write(cache, read, ctx)
      const keys = server.entries.map(one => one.key).toSorted()
      const wanted = [...blobs.keys()].map(digest => `buildkit-blob-1-${digest}`)
      assert.deepEqual(keys, [...wanted, 'index-mine-1-5a70b200#1'].toSorted())
      assert.ok(server.entries.every(one => one.scope === branch.Scope && one.version === entryVersion))
      const found = await createGhaImporter(attrs, access).load(sampleContext())
      assert.deepEqual(await readBlobs(found), blobs)
      assert.equal((await createGhaImporter({ ...attrs, scope: 'other' }, access).load(ctx)).caches.length, 0)
    })

    it('has its description written anew each time, and its blobs once', async () => {
      await using server = await startActionsCache()
      using access = sampleAccess()
      const { cache, read, reads } = sampleCache('one')
      const attrs = attrsOf(server, version)
      await createGhaExporter(attrs, access).write(cache, read, sampleContext())
      reads.clear()
      const again = sampleContext()
      await createGhaExporter(attrs, access).write(cache, read, again)
      assert.deepEqual([reads.size, again.steps], [0, []])
      const indexes = server.entries.filter(one => one.key.startsWith('index-')).map(one => one.key)
      assert.deepEqual(indexes, ['index-buildkit-1-5a70b200#1', 'index-buildkit-1-5a70b200#2'])
    })

    it('is read from all branches that the token names', async () => {
      await using server = await startActionsCache()
      using access = sampleAccess()
      const one = sampleCache('one')
      const two = sampleCache('two')
      const tokens = {
        main: runtimeToken([{ ...main, Permission: 3 }]),
        branch: runtimeToken([branch, main]),
      }
      const attrs = attrsOf(server, version)
      await createGhaExporter({ ...attrs, token: tokens.main }, access).write(
        one.cache,
        one.read,
        sampleContext(),
      )
      await createGhaExporter({ ...attrs, token: tokens.branch }, access).write(
        two.cache,
        two.read,
        sampleContext(),
      )
      const found = await createGhaImporter({ ...attrs, token: tokens.branch }, access).load(sampleContext())
      assert.deepEqual([...(await readBlobs(found)).keys()], [...two.blobs.keys(), ...one.blobs.keys()])
      const onMain = await createGhaImporter({ ...attrs, token: tokens.main }, access).load(sampleContext())
      assert.deepEqual([...(await readBlobs(onMain)).keys()], [...one.blobs.keys()])
    })

    it('waits while somebody else writes, and skips the number of one who never ends', async () => {
      await using server = await startActionsCache()
      using access = sampleAccess()
      const { cache, read } = sampleCache('one')
      const attrs = attrsOf(server, version)
      const key = indexKey({ scope: 'buildkit' }, branch.Scope)
      // Reserved, never completed.
      server.entries.push({
        key: `${key}#1`,
        version: entryVersion,
        scope: branch.Scope,
        bytes: Buffer.alloc(0),
      })
      await createGhaExporter(attrs, access).write(cache, read, sampleContext())
      assert.ok(access.waits.length >= 7 && access.waits.every(ms => ms === 2000), String(access.waits))
      assert.equal(server.entries.find(one => one.key === `${key}#2`)?.done !== undefined, true)
    })

    it('is stored in pieces where a blob is large', async () => {
      await using server = await startActionsCache()
      using access = sampleAccess()
      const large = sampleCache(Buffer.alloc(40 * 1024 * 1024, 'x'))
      const attrs = attrsOf(server, version)
      await createGhaExporter(attrs, access).write(large.cache, large.read, sampleContext())
      const uploads = server.requests.filter(one => /^(PATCH|PUT) /.test(one)).length
      assert.equal(uploads, version === 1 ? 3 : 4)
      const found = await createGhaImporter(attrs, access).load(sampleContext())
      for (const [digest, bytes] of await readBlobs(found)) assert.equal(digestOf(bytes), digest)
    })

    it('asks again when the service says that there are too many, as long as it is told to', async () => {
      let refusals = 0
      await using server = await startActionsCache({
        fault: () => (refusals-- > 0 ? { status: 429, headers: { 'retry-after': '3' } } : undefined),
      })
      using access = sampleAccess()
      const { cache, read } = sampleCache('one')
      refusals = 5
      await createGhaExporter(attrsOf(server, version), access).write(cache, read, sampleContext())
      assert.deepEqual(access.waits.slice(0, 5), [3000, 3000, 3000, 3000, 3000])
      refusals = 100
      const impatient = attrsOf(server, version, { timeout: '1s' })
      await assert.rejects(
        createGhaImporter(impatient, access).load(sampleContext()),
        /429 Too Many Requests/,
      )
    })

    it('shows what the service says, and no token', async () => {
      const body = '\uFEFF{"message":"no rights","typeKey":"Denied"}'
      await using server = await startActionsCache({ fault: () => ({ status: 403, body }) })
      using access = sampleAccess()
      const attrs = attrsOf(server, version)
      await assert.rejects(createGhaImporter(attrs, access).load(sampleContext()), (error: Error) => {
        assert.match(error.message, /403 Forbidden: Denied: no rights/)
        return !error.message.includes(attrs['token'] ?? '')
      })
    })

    it('takes a missing blob for what it is', async () => {
      await using server = await startActionsCache()
      using access = sampleAccess()
      const { cache, read } = sampleCache('one')
      const attrs = attrsOf(server, version)
      await createGhaExporter(attrs, access).write(cache, read, sampleContext())
      for (const entry of server.entries) if (entry.key.includes('blob')) delete entry.done
      await assert.rejects(readBlobs(await createGhaImporter(attrs, access).load(sampleContext())), {
        code: 'not-found',
      })
    })
  })
}

describe('a cache of GitHub Actions', () => {
  it('asks for new URLs when those that it was given have expired', async () => {
    await using server = await startActionsCache()
    using access = sampleAccess()
    const { cache, read, blobs } = sampleCache('one')
    const attrs = attrsOf(server, 2)
    await createGhaExporter(attrs, access).write(cache, read, sampleContext())
    let expire = true
    const transport = access.transport
    const meddling: typeof access = {
      ...access,
      transport: Object.assign(Object.create(transport) as typeof transport, {
        send: (request: Parameters<typeof transport.send>[0]) => {
          if (request.method === 'GET' && expire) {
            expire = false
            server.expireUrls()
          }
          return transport.send(request)
        },
      }),
    }
    const found = await createGhaImporter(attrs, meddling).load(sampleContext())
    expire = true
    assert.deepEqual(await readBlobs(found), blobs)
    assert.equal(expire, false)
  })

  it('is not written where the token gives no right to', async () => {
    await using server = await startActionsCache()
    using access = sampleAccess()
    const { cache, read } = sampleCache('one')
    const attrs = attrsOf(server, 1, { token: runtimeToken([main]) })
    // As the service has it, entries that cannot be made seem to be there already.
    await assert.rejects(createGhaExporter(attrs, access).write(cache, read, sampleContext()), {
      code: 'already-exists',
    })
    assert.equal(server.entries.length, 0)
  })

  it('lists the blobs that are there by GitHub’s own API where it may', async () => {
    await using server = await startActionsCache()
    const asked: string[] = []
    const { cache, read, blobs } = sampleCache('one', 'two')
    const [there] = blobs.keys()
    const api = createServer((request, response) => {
      asked.push(`${request.headers.authorization} ${request.url}`)
      const page = new URL(request.url ?? '', 'http://x').searchParams.get('page')
      const caches = page === '1' ? [{ key: 'other' }] : [{ key: `buildkit-blob-1-${there}` }]
      response.end(JSON.stringify({ total_count: 101, actions_caches: caches }))
    })
    await new Promise<void>(resolve => api.listen(0, '127.0.0.1', resolve))
    try {
      const env = { GITHUB_API_URL: `http://127.0.0.1:${(api.address() as AddressInfo).port}` }
      using access = sampleAccess(env)
      const more = { repository: 'o/r', ghtoken: 'gt', token: runtimeToken([branch]) }
      await createGhaExporter(attrsOf(server, 2, more), access).write(cache, read, sampleContext())
    } finally {
      api.close()
    }
    const query = (page: number): string =>
      `Bearer gt /repos/o/r/actions/caches?per_page=100&page=${page}&key=buildkit-blob-1-&ref=refs%2Fheads%2Fdev`
    assert.deepEqual(asked, [query(1), query(2)])
    const stored = server.entries.filter(one => one.key.includes('blob')).map(one => one.key)
    assert.deepEqual(
      stored,
      [...blobs.keys()].slice(1).map(digest => `buildkit-blob-1-${digest}`),
    )
  })
})
