import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InProcessRegistry } from '../testing/in-process-registry.ts'
import { putImage, TestClient } from '../testing/test-client.ts'
import type { RegistryAuth } from '../testing/registry-auth.ts'
import { parseChallenges } from './challenge.ts'
import type { CredentialProvider, TokenRequest } from './credential.ts'
import { normalizeScopes, pullScope, pushScope, scopesContain } from './scope.ts'

const users = { me: 'secret' }
const asMe: CredentialProvider = async () => ({ username: 'me', secret: 'secret' })

describe('parseChallenges', () => {
  const table: readonly [header: string, expected: ReturnType<typeof parseChallenges>][] = [
    [
      'Bearer realm="https://a/t",service="s",scope="repository:a:pull,push"',
      [
        {
          scheme: 'bearer',
          parameters: { realm: 'https://a/t', service: 's', scope: 'repository:a:pull,push' },
        },
      ],
    ],
    ['Basic realm=x', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
    [
      'basic realm="a, b", Bearer Realm="c\\"d" , error="e"',
      [
        { scheme: 'bearer', parameters: { realm: 'c"d', error: 'e' } },
        { scheme: 'basic', parameters: { realm: 'a, b' } },
      ],
    ],
    ['Digest realm="x", nonce="y"', []],
    ['Negotiate, Basic realm="x"', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
    ['Bearer realm="unfinished', [{ scheme: 'bearer', parameters: {} }]],
    ['', []],
    ['"', []],
  ]
  for (const [header, expected] of table) {
    it(`reads ${header || 'nothing'}`, () => assert.deepEqual(parseChallenges([header]), expected))
  }
})

describe('scopes', () => {
  it('merge by resource, sorted', () => {
    assert.deepEqual(
      normalizeScopes([pushScope('b'), pullScope('b'), 'repository:a:pull registry:catalog:*', '']),
      ['registry:catalog:*', 'repository:a:pull', 'repository:b:pull,push'],
    )
  })

  it('contain what they grant', () => {
    assert.equal(scopesContain([pushScope('a')], [pullScope('a')]), true)
    assert.equal(scopesContain([pullScope('a')], [pushScope('a')]), false)
    assert.equal(scopesContain([pullScope('a')], []), true)
    assert.equal(scopesContain([], [pullScope('a')]), false)
  })
})

describe('token authentication', () => {
  const token: RegistryAuth = { kind: 'token', users }

  it('asks for one token per set of rights and keeps it', async () => {
    await using registry = await InProcessRegistry.start({ auth: token })
    using client = TestClient.make({ credentials: asMe })
    await putImage(client.at(registry.host, 'me/app'), { tag: 'v1', layers: ['a', 'b', 'c'] })
    await client.at(registry.host, 'me/app').resolve('v1')
    assert.deepEqual(registry.gate.asked, [['repository:me/app:pull,push'], ['repository:me/app:pull']])
  })

  it('asks for the right to read the source when mounting', async () => {
    await using registry = await InProcessRegistry.start({ auth: token })
    using client = TestClient.make({ credentials: asMe })
    const from = client.at(registry.host, 'me/base')
    const { layers } = await putImage(from, { tag: 'v1' })
    registry.gate.asked.length = 0
    assert.equal(await client.at(registry.host, 'me/app').mountBlob(layers[0] ?? assert.fail(), from), true)
    assert.deepEqual(registry.gate.asked, [['repository:me/app:pull,push', 'repository:me/base:pull']])
  })

  it('gets a new token in the middle when the old one is refused, however often', async () => {
    await using registry = await InProcessRegistry.start({ auth: { ...token, maxUses: 2 } })
    using client = TestClient.make({ credentials: asMe })
    await putImage(client.at(registry.host, 'me/app'), { tag: 'v1', layers: ['a', 'b', 'c', 'd', 'e'] })
    registry.gate.forgetTokens()
    await client.at(registry.host, 'me/app').resolve('v1')
    assert.equal(registry.gate.asked.length > 4, true)
  })

  it('fetches a new token before the old one expires', async () => {
    let now = 1_000_000
    await using registry = await InProcessRegistry.start({ auth: { ...token, expiresIn: 100 } })
    using client = TestClient.make({ credentials: asMe, now: () => now })
    const store = client.at(registry.host, 'me/app')
    await putImage(store, { tag: 'v1' })
    registry.gate.asked.length = 0
    await store.resolve('v1')
    now += 89_000
    await store.resolve('v1')
    assert.equal(registry.gate.asked.length, 1)
    now += 2_000
    await store.resolve('v1')
    assert.equal(registry.gate.asked.length, 2)
    assert.equal(registry.seen('GET', 'manifests').filter(r => r.authorization === undefined).length, 0)
  })

  it('fetches the token once for many requests at the same time', async () => {
    await using registry = await InProcessRegistry.start({ auth: token })
    using client = TestClient.make({ credentials: asMe })
    const store = client.at(registry.host, 'me/app')
    await putImage(store, { tag: 'v1' })
    registry.gate.asked.length = 0
    await Promise.all(Array.from({ length: 8 }, () => store.resolve('v1')))
    assert.equal(registry.gate.asked.length, 1)
  })

  it('reads anonymously what is public, and says docker words where it is not', async () => {
    const scopes = { '': ['repository:pub/a:pull'] }
    await using registry = await InProcessRegistry.start({ auth: { ...token, scopes } })
    using me = TestClient.make({ credentials: asMe })
    await putImage(me.at(registry.host, 'pub/a'), { tag: 'v1' })
    using anybody = TestClient.make()
    await anybody.at(registry.host, 'pub/a').resolve('v1')
    await assert.rejects(anybody.at(registry.host, 'private/a').resolve('v1'), {
      code: 'permission-denied',
      message:
        'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
      hint: `log in with \`docker login ${registry.host}\`, or check that the name is right`,
    })
    await assert.rejects(putImage(anybody.at(registry.host, 'pub/a')), {
      code: 'permission-denied',
      message:
        /^push access denied, repository does not exist or may require authorization: server message: insufficient_scope/,
    })
  })

  it('says who refused a wrong password, without the password', async () => {
    await using registry = await InProcessRegistry.start({ auth: token })
    using client = TestClient.make({ credentials: async () => ({ username: 'me', secret: 'hunter2' }) })
    await assert.rejects(client.at(registry.host, 'a').resolve('b'), (error: Error & { code: string }) => {
      assert.equal(error.code, 'unauthenticated')
      assert.match(
        error.message,
        /^failed to authorize: failed to fetch oauth token: unexpected status from GET request to http:\/\/127.0.0.1:\d+\/token\?\S+: 401 Unauthorized\nunauthorized: incorrect username or password$/,
      )
      assert.doesNotMatch(JSON.stringify(error) + error.stack, /hunter2|aHVudGVyMg/)
      return true
    })
  })

  it('redeems an identity token with POST', async () => {
    const auth: RegistryAuth = { ...token, identityTokens: { refresh: 'me' } }
    await using registry = await InProcessRegistry.start({ auth })
    using client = TestClient.make({ credentials: async () => ({ username: '', secret: 'refresh' }) })
    await putImage(client.at(registry.host, 'a'), { tag: 'v1' })
  })

  it('uses a registry token as it is', async () => {
    await using registry = await InProcessRegistry.start({
      fault: r =>
        r.authorization === 'Bearer given'
          ? undefined
          : {
              kind: 'answer',
              status: 401,
              headers: { 'www-authenticate': 'Bearer realm="http://127.0.0.1:1/t"' },
            },
    })
    using client = TestClient.make({
      credentials: async () => ({ username: '', secret: '', registryToken: 'given' }),
    })
    await putImage(client.at(registry.host, 'a'), { tag: 'v1' })
  })

  it('lets the token provider answer, and asks for no credential then', async () => {
    const asked: TokenRequest[] = []
    await using registry = await InProcessRegistry.start({ auth: token })
    using client = TestClient.make({
      credentials: async () => assert.fail('not to be asked'),
      tokens: async request => {
        asked.push(request)
        const url = new URL(request.realm)
        for (const scope of request.scopes) url.searchParams.append('scope', scope)
        const answer = await fetch(url, { headers: { authorization: `Basic ${btoa('me:secret')}` } })
        return { token: ((await answer.json()) as { token: string }).token }
      },
    })
    await putImage(client.at(registry.host, 'a'), { tag: 'v1' })
    assert.deepEqual(asked, [
      {
        host: registry.host,
        realm: `http://${registry.host}/token`,
        service: 'test',
        scopes: ['repository:a:pull,push'],
      },
    ])
  })

  it('takes no for an answer from a token server that talks nonsense', async () => {
    const challenge = (realm: string) =>
      ({ kind: 'answer', status: 401, headers: { 'www-authenticate': `Bearer realm="${realm}"` } }) as const
    const table: readonly [realm: string, message: RegExp][] = [
      ['ftp://x/', /^invalid token auth challenge realm: "ftp:\/\/x\/"$/],
      ['not a url', /^invalid token auth challenge realm/],
      [
        'SELF',
        /^failed to authorize: failed to fetch anonymous token: unable to decode token response: invalid JSON$/,
      ],
    ]
    for (const [realm, message] of table) {
      await using server = await InProcessRegistry.start({
        fault: r =>
          r.path.startsWith('/nonsense')
            ? { kind: 'answer', status: 200, body: 'token=secret' }
            : challenge(realm.replace('SELF', `http://${server.host}/nonsense`)),
      })
      using client = TestClient.make()
      await assert.rejects(client.at(server.host, 'a').resolve('b'), { message })
    }
  })

  it('ends after a few rounds with a registry that always wants something else', async () => {
    let n = 0
    await using registry = await InProcessRegistry.start({
      auth: token,
      fault: r => ({
        kind: 'answer',
        status: 401,
        headers: {
          'www-authenticate': `Bearer realm="http://${registry.host}/token",scope="repository:r${n++}:pull",error="insufficient_scope",x="${r.before}"`,
        },
      }),
    })
    using client = TestClient.make({ credentials: asMe })
    await assert.rejects(client.at(registry.host, 'a').resolve('b'), { code: 'unauthenticated' })
    assert.equal(registry.requests.length < 10, true)
  })
})

describe('basic authentication', () => {
  it('is sent after the first challenge only', async () => {
    await using registry = await InProcessRegistry.start({ auth: { kind: 'basic', users } })
    using client = TestClient.make({ credentials: asMe })
    await putImage(client.at(registry.host, 'a'), { tag: 'v1' })
    assert.equal(registry.requests.filter(r => r.authorization === undefined).length, 1)
  })

  it('is refused with a hint where there is no credential, or a wrong one', async () => {
    await using registry = await InProcessRegistry.start({ auth: { kind: 'basic', users } })
    using anybody = TestClient.make()
    await assert.rejects(anybody.at(registry.host, 'a').resolve('b'), {
      code: 'unauthenticated',
      hint: `log in with \`docker login ${registry.host}\``,
    })
    using wrong = TestClient.make({ credentials: async () => ({ username: 'me', secret: 'x' }) })
    await assert.rejects(wrong.at(registry.host, 'a').resolve('b'), {
      code: 'permission-denied',
      message: /incorrect username or password$/,
    })
  })
})

describe('credentials and origins', () => {
  it('do not follow a redirect to another origin', async () => {
    await using other = await InProcessRegistry.start()
    const secret = other.content.addBlob('store', 'layer')
    await using registry = await InProcessRegistry.start({
      auth: { kind: 'token', users },
      fault: r =>
        r.method === 'GET' && r.path.includes('/blobs/')
          ? {
              kind: 'answer',
              status: 307,
              headers: { location: `http://user:pw@${other.host}/v2/store/blobs/${secret}` },
            }
          : undefined,
    })
    using client = TestClient.make({ credentials: asMe })
    const store = client.at(registry.host, 'a')
    const { layers } = await putImage(store)
    for await (const _ of store.fetch(layers[0] ?? assert.fail()));
    assert.equal(other.requests.length, 1)
    assert.equal(other.requests[0]?.authorization, undefined)
    assert.notEqual(registry.seen('GET', '/blobs/')[0]?.authorization, undefined)
  })

  it('are not offered to the challenge of a place a redirect leads to', async () => {
    await using other = await InProcessRegistry.start({ auth: { kind: 'token', users } })
    await using registry = await InProcessRegistry.start({
      fault: r =>
        r.method === 'GET'
          ? { kind: 'answer', status: 307, headers: { location: `http://${other.host}${r.path}` } }
          : undefined,
    })
    using client = TestClient.make({ credentials: asMe })
    await assert.rejects(client.at(registry.host, 'a').resolve('b'), { code: 'unauthenticated' })
    assert.equal(other.gate.asked.length, 0)
  })

  it('do not go along with an upload that is sent elsewhere', async () => {
    await using other = await InProcessRegistry.start()
    other.content.uploads.set('x', { repository: 'a', chunks: [] })
    await using registry = await InProcessRegistry.start({
      auth: { kind: 'basic', users },
      fault: r =>
        r.method === 'POST' && r.authorization !== undefined
          ? {
              kind: 'answer',
              status: 202,
              headers: { location: `http://${other.host}/v2/a/blobs/uploads/x` },
            }
          : undefined,
    })
    using client = TestClient.make({ credentials: asMe })
    const content = new TextEncoder().encode('x')
    const digest = other.content.addBlob('elsewhere', content)
    await client.at(registry.host, 'a').putBlob({ mediaType: 'm', digest, size: 1 }, async function* () {
      yield content
    })
    assert.equal(other.seen('PUT')[0]?.authorization, undefined)
    assert.equal(other.seen('PUT').length, 1)
  })
})
