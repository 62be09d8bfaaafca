import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dockerCredentials, type RunHelper } from './credential-helper.ts'
import { configKey, dockerHubKey, findAuth, parseDockerConfig } from './docker-config.ts'

const parse = (value: unknown) =>
  parseDockerConfig(
    new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)),
    'config.json',
  )
const none: RunHelper = async () => assert.fail('no helper to be run')

describe('docker config', () => {
  it('reads credentials, helpers, headers and proxies', () => {
    const config = parse({
      auths: {
        'https://index.docker.io/v1/': { auth: btoa('me:pa:ss\0') },
        'ghcr.io': { auth: btoa('you:x'), identitytoken: 'refresh' },
        'token.example': { registrytoken: 'bearer' },
        'desktop.example': {},
        'plain.example': { username: 'u', password: 'p' },
      },
      credsStore: 'desktop',
      credHelpers: { 'gcr.io': 'gcloud' },
      HttpHeaders: { 'X-Meta': '1' },
      proxies: { default: { httpProxy: 'http://p:1', noProxy: 'a,b' } },
      currentContext: 'c',
      somethingNew: [1],
    })
    assert.deepEqual(findAuth(config, dockerHubKey), { username: 'me', secret: 'pa:ss' })
    assert.deepEqual(findAuth(config, 'ghcr.io'), { username: '', secret: 'refresh' })
    assert.deepEqual(findAuth(config, 'token.example'), { username: '', secret: '', registryToken: 'bearer' })
    assert.deepEqual(findAuth(config, 'plain.example'), { username: 'u', secret: 'p' })
    assert.equal(findAuth(config, 'desktop.example'), undefined)
    assert.equal(config.credsStore, 'desktop')
    assert.deepEqual(config.credHelpers, { 'gcr.io': 'gcloud' })
    assert.deepEqual(config.httpHeaders, { 'X-Meta': '1' })
    assert.deepEqual(config.proxies.get('default'), { httpProxy: 'http://p:1', noProxy: 'a,b' })
    assert.equal(config.currentContext, 'c')
  })

  it('matches entries with scheme and path by their host', () => {
    const config = parse({ auths: { 'https://a.example:5000/v2/': { auth: btoa('u:p') } } })
    assert.deepEqual(findAuth(config, 'a.example:5000'), { username: 'u', secret: 'p' })
    assert.equal(findAuth(config, 'a.example'), undefined)
  })

  it('knows under which key docker keeps Docker Hub', () => {
    assert.equal(configKey('registry-1.docker.io'), dockerHubKey)
    assert.equal(configKey('localhost:5000'), 'localhost:5000')
  })

  const broken: readonly [what: string, text: unknown, message: RegExp][] = [
    ['is no JSON', '{"auths":', /^failed to parse config.json: invalid JSON$/],
    [
      'has an auth that is no base64',
      { auths: { a: { auth: '***' } } },
      /config.json: auths\[a\]: invalid auth configuration file$/,
    ],
    [
      'has an auth without a colon',
      { auths: { a: { auth: btoa('me') } } },
      /invalid auth configuration file$/,
    ],
    ['has a list for auths', { auths: [] }, /expected an object/],
  ]
  for (const [what, text, message] of broken) {
    it(`that ${what} is refused without showing it`, () => {
      assert.throws(() => parse(text), { code: 'invalid-argument', message })
    })
  }
})

describe('credential helpers', () => {
  const asked: string[] = []
  const answering =
    (answer: Partial<Awaited<ReturnType<RunHelper>>>): RunHelper =>
    async (command, args, stdin) => {
      asked.push(`${command} ${args.join(' ')} < ${stdin}`)
      return { exitCode: 0, stdout: '', stderr: '', ...answer }
    }

  it('are asked with the key of the registry; their own one before the common one', async () => {
    asked.length = 0
    const config = parse({ credsStore: 'common', credHelpers: { 'a.example': 'own' } })
    const find = dockerCredentials(config, answering({ stdout: '{"Username":"u","Secret":"s"}' }))
    assert.deepEqual(await find('a.example'), { username: 'u', secret: 's' })
    await find('registry-1.docker.io')
    assert.deepEqual(asked, [
      'docker-credential-own get < a.example',
      `docker-credential-common get < ${dockerHubKey}`,
    ])
  })

  it('mark identity tokens by their user name', async () => {
    const find = dockerCredentials(
      parse({ credsStore: 'x' }),
      answering({ stdout: '{"Username":"<token>","Secret":"s"}' }),
    )
    assert.deepEqual(await find('a'), { username: '', secret: 's' })
  })

  it('that know nothing leave it to the file', async () => {
    const config = parse({ credsStore: 'x', auths: { a: { auth: btoa('u:p') } } })
    const find = dockerCredentials(
      config,
      answering({ exitCode: 1, stdout: 'credentials not found in native keychain\n' }),
    )
    assert.deepEqual(await find('a'), { username: 'u', secret: 'p' })
    assert.equal(await find('b'), undefined)
  })

  it('that fail are named, and their output is never taken for something to show when it may be secret', async () => {
    const failing = dockerCredentials(
      parse({ credsStore: 'x' }),
      answering({ exitCode: 3, stderr: 'no DBus' }),
    )
    await assert.rejects(failing('a'), {
      code: 'unauthenticated',
      message: 'error getting credentials - err: exit status 3, out: `no DBus`',
    })
    const babbling = dockerCredentials(parse({ credsStore: 'x' }), answering({ stdout: 'secret!' }))
    await assert.rejects(babbling('a'), {
      message: 'error getting credentials - docker-credential-x answered no JSON',
    })
  })

  it('are not run under names that are paths', async () => {
    const find = dockerCredentials(parse({ credHelpers: { a: '../../evil' } }), none)
    await assert.rejects(find('a'), { code: 'invalid-argument', message: /^invalid credential helper name/ })
  })

  it('are not needed for what is in the file', async () => {
    const find = dockerCredentials(parse({ auths: { a: { auth: btoa('u:p') } } }), none)
    assert.deepEqual(await find('a'), { username: 'u', secret: 'p' })
  })
})
