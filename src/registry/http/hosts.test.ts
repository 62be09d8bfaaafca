import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isLoopback, registryHosts } from '../registry-host.ts'
import { testAuthority, testClient, testServer } from '../testing/certificates.ts'
import { InProcessRegistry } from '../testing/in-process-registry.ts'
import { putImage, TestClient } from '../testing/test-client.ts'
import { collectText } from '../../bytes/collect.ts'
import { redactUrl } from './redact-url.ts'

describe('registryHosts', () => {
  it('dials registry-1.docker.io for docker.io, over TLS', () => {
    assert.deepEqual(registryHosts('docker.io'), [
      {
        host: 'registry-1.docker.io',
        scheme: 'https',
        fallbackToHttp: false,
        path: '/v2',
        mirror: false,
        tls: { insecure: false, ca: [], keypair: [], directories: [] },
      },
    ])
  })

  it('asks mirrors first, each with its own settings and path', () => {
    const hosts = registryHosts('docker.io', {
      'docker.io': { mirrors: ['mirror.example:5000', 'https://proxy.example/hub/'] },
      'mirror.example:5000': { http: true },
    })
    assert.deepEqual(
      hosts.map(h => [h.host, h.scheme, h.path, h.mirror]),
      [
        ['mirror.example:5000', 'http', '/v2', true],
        ['proxy.example', 'https', '/v2/hub', true],
        ['registry-1.docker.io', 'https', '/v2', false],
      ],
    )
  })

  it('tries TLS first on loopback, unless told otherwise', () => {
    const of = (host: string, config = {}) => {
      const [h] = registryHosts(host, { [host]: config })
      return `${h?.scheme} ${h?.fallbackToHttp}`
    }
    assert.equal(of('localhost:5000'), 'https true')
    assert.equal(of('127.0.0.2:5000'), 'https true')
    assert.equal(of('[::1]:5000'), 'https true')
    assert.equal(of('localhost:5000', { http: true }), 'http false')
    assert.equal(of('localhost:5000', { http: false }), 'https false')
    assert.equal(of('a.example', { insecure: true }), 'https false')
    assert.equal(of('a.example', { insecure: true, http: true }), 'https true')
    assert.equal(isLoopback('localhost.example'), false)
    assert.equal(isLoopback('1127.0.0.1'), false)
  })
})

describe('redactUrl', () => {
  it('hides credentials and query values', () => {
    assert.equal(
      redactUrl(new URL('https://u:p@h/x?sig=1&ns=docker.io&e=#f')),
      'https://h/x?sig=REDACTED&ns=docker.io&e=',
    )
  })
})

describe('mirrors', () => {
  it('serve what they have, are told the registry, and are not pushed to', async () => {
    await using mirror = await InProcessRegistry.start()
    await using registry = await InProcessRegistry.start()
    using client = TestClient.make({ registries: { [registry.host]: { mirrors: [mirror.host] } } })
    const store = client.at(registry.host, 'a')
    const image = await putImage(store, { tag: 'v1' })
    assert.deepEqual([...new Set(mirror.requests.map(r => r.method))], [])
    mirror.content.addManifest('a', { mediaType: image.descriptor.mediaType, bytes: image.bytes }, 'v1')
    registry.requests.length = 0
    await store.resolve('v1')
    assert.equal(mirror.requests[0]?.path, `/v2/a/manifests/v1?ns=${encodeURIComponent(registry.host)}`)
    assert.equal(registry.requests.length, 0)
    assert.equal(await collectText(store.fetch(image.layers[0] ?? assert.fail()), { limit: 9 }), 'layer')
    assert.equal(registry.seen('GET', '/blobs/').length, 1)
  })

  it('that are down or lying are passed over', async () => {
    await using lying = await InProcessRegistry.start({
      fault: () => ({
        kind: 'answer',
        status: 200,
        body: '<html>',
        headers: { 'content-type': 'text/html' },
      }),
    })
    await using registry = await InProcessRegistry.start()
    using client = TestClient.make({
      registries: { [registry.host]: { mirrors: ['127.0.0.1:1', lying.host] } },
    })
    const store = client.at(registry.host, 'a')
    const image = await putImage(store, { tag: 'v1' })
    assert.equal((await store.resolve('v1')).descriptor.digest, image.descriptor.digest)
  })

  it('leave the most telling error where nobody has it', async () => {
    await using mirror = await InProcessRegistry.start({
      fault: () => ({ kind: 'answer', status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' }),
    })
    await using registry = await InProcessRegistry.start()
    using client = TestClient.make({
      registries: { [registry.host]: { mirrors: ['127.0.0.1:1', mirror.host] } },
    })
    await assert.rejects(client.at(registry.host, 'a').resolve('v1'), {
      code: 'permission-denied',
      message: /403 Forbidden\ndenied: no$/,
    })
  })
})

describe('TLS', () => {
  const tls = { ...testServer }

  async function files() {
    const directory = await mkdtemp(join(tmpdir(), 'slipway-tls-'))
    const at = (name: string): string => join(directory, name)
    await writeFile(at('ca.crt'), testAuthority)
    await writeFile(at('client.cert'), testClient.cert)
    await writeFile(at('client.key'), testClient.key)
    return { at, directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
  }

  it('is checked: an unknown authority is refused, and no plain HTTP tried instead', async () => {
    await using registry = await InProcessRegistry.start({ tls })
    using client = TestClient.make()
    await assert.rejects(client.at(registry.host, 'a').resolve('b'), {
      code: 'unavailable',
      message: /tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
      hint: /^trust its authority with ca/,
    })
  })

  it('accepts a configured authority, and only for the host it is configured for', async () => {
    await using f = await files()
    await using registry = await InProcessRegistry.start({
      tls,
      auth: { kind: 'token', users: {}, scopes: { '': ['*'] } },
    })
    await using other = await InProcessRegistry.start({ tls })
    using client = TestClient.make({ registries: { [registry.host]: { ca: [f.at('ca.crt')] } } })
    await putImage(client.at(registry.host, 'a'), { tag: 'v1' })
    await assert.rejects(client.at(other.host, 'a').resolve('b'), { message: /unknown authority/ })
  })

  it('is not checked where the registry is called insecure', async () => {
    await using registry = await InProcessRegistry.start({ tls })
    await using plain = await InProcessRegistry.start()
    using client = TestClient.make({
      registries: { [registry.host]: { insecure: true }, [plain.host]: { insecure: true, http: true } },
    })
    await putImage(client.at(registry.host, 'a'), { tag: 'v1' })
    await putImage(client.at(plain.host, 'a'), { tag: 'v1' })
  })

  it('shows the client certificate that is configured, by name or by directory', async () => {
    await using f = await files()
    await using registry = await InProcessRegistry.start({
      tls: { ...tls, ca: testAuthority, requestCert: true },
    })
    const ca = [f.at('ca.crt')]
    using without = TestClient.make({ registries: { [registry.host]: { ca } } })
    await assert.rejects(without.at(registry.host, 'a').resolve('b'), { code: 'unavailable' })
    for (const config of [
      { ca, keypair: [{ cert: f.at('client.cert'), key: f.at('client.key') }] },
      { tlsconfigdir: [f.directory, '/nonexistent'] },
    ]) {
      using client = TestClient.make({ registries: { [registry.host]: config } })
      await putImage(client.at(registry.host, 'a'), { tag: 'v1' })
    }
  })

  it('says which file is missing', async () => {
    const ca = [join(tmpdir(), 'absent', 'ca.pem')]
    using client = TestClient.make({ registries: { 'a.example': { ca } } })
    await assert.rejects(client.at('a.example', 'a').resolve('b'), {
      code: 'not-found',
      message: /^failed to read \/.*\/absent\/ca.pem: open .*: no such file/,
    })
  })

  it('is not left for a token server without it', async () => {
    await using f = await files()
    await using registry = await InProcessRegistry.start({
      tls,
      fault: () => ({
        kind: 'answer',
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="http://127.0.0.1:1/token"' },
      }),
    })
    using client = TestClient.make({
      registries: { [registry.host]: { ca: [f.at('ca.crt')] } },
      credentials: async () => ({ username: 'me', secret: 'x' }),
    })
    await assert.rejects(client.at(registry.host, 'a').resolve('b'), {
      code: 'failed-precondition',
      message: /refused to authorize at http:\/\/127.0.0.1:1/,
    })
  })

  it('is left only for content whose digest is known', async () => {
    await using f = await files()
    await using plain = await InProcessRegistry.start()
    await using registry = await InProcessRegistry.start({
      tls,
      fault: r =>
        r.method === 'GET'
          ? { kind: 'answer', status: 307, headers: { location: `http://${plain.host}${r.path}` } }
          : undefined,
    })
    using client = TestClient.make({ registries: { [registry.host]: { ca: [f.at('ca.crt')] } } })
    const store = client.at(registry.host, 'a')
    plain.content.addBlob('a', 'layer')
    const { layers } = await putImage(store, { tag: 'v1' })
    assert.equal(await collectText(store.fetch(layers[0] ?? assert.fail()), { limit: 9 }), 'layer')
    await assert.rejects(store.resolve('v1'), {
      code: 'failed-precondition',
      message: /refused redirect from https to/,
    })
  })
})

describe('a proxy', () => {
  it('is used for addresses that are not excepted', async () => {
    const http = await import('node:http')
    const seen: string[] = []
    const proxy = http.createServer((request, response) => {
      seen.push(request.url ?? '')
      response.writeHead(404).end()
    })
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
    const { port } = proxy.address() as { port: number }
    const settings = { HTTP_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: 'direct.invalid' }
    using client = TestClient.make({
      times: { proxy: settings },
      registries: { 'registry.invalid': { http: true }, 'direct.invalid': { http: true } },
    })
    try {
      await assert.rejects(client.at('registry.invalid', 'a').resolve('b'), { code: 'not-found' })
      await assert.rejects(client.at('direct.invalid', 'a').resolve('b'), { code: 'unavailable' })
      assert.deepEqual(seen, ['http://registry.invalid/v2/a/manifests/b'])
    } finally {
      proxy.closeAllConnections()
      proxy.close()
    }
  })
})
