import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { dockerApi } from './docker-api.ts'
import { type DockerSettings, readDockerContexts } from './docker-contexts.ts'
import { checkClientHost, parseDockerHost } from './docker-endpoint.ts'
import { FrameReader } from './multiplexed.ts'

const config = mkdtempSync(join(tmpdir(), 'slipway-contexts-'))
after(() => rmSync(config, { recursive: true }))

function addContext(name: string, host: string, tls?: string): void {
  const id = createHash('sha256').update(name).digest('hex')
  mkdirSync(join(config, 'contexts/meta', id), { recursive: true })
  const meta = { Name: name, Metadata: {}, Endpoints: { docker: { Host: host, SkipTLSVerify: false } } }
  writeFileSync(join(config, 'contexts/meta', id, 'meta.json'), JSON.stringify(meta))
  if (tls === undefined) return
  mkdirSync(join(config, 'contexts/tls', id, 'docker'), { recursive: true })
  writeFileSync(join(config, 'contexts/tls', id, 'docker', 'ca.pem'), tls)
}

const read = (
  env: Record<string, string>,
  more: Partial<DockerSettings> = {},
): ReturnType<typeof readDockerContexts> =>
  readDockerContexts({ env: { DOCKER_CONFIG: config, ...env }, ...more })

describe('contexts of docker', () => {
  addContext('near', 'unix:///near.sock')
  addContext('far', 'tcp://far:2376', 'PEM')

  it('are found by flag, host, variable and configuration, in this order', () => {
    writeFileSync(join(config, 'config.json'), JSON.stringify({ currentContext: 'near' }))
    assert.equal(read({}).current, 'near')
    assert.equal(read({ DOCKER_CONTEXT: 'far' }).current, 'far')
    assert.equal(read({ DOCKER_CONTEXT: 'far', DOCKER_HOST: 'tcp://x' }).current, 'default')
    assert.equal(read({ DOCKER_HOST: 'tcp://x' }, { context: 'far' }).current, 'far')
    assert.equal(read({ DOCKER_CONTEXT: 'far' }, { host: 'unix:///y' }).currentEndpoint, 'unix:///y')
    assert.deepEqual(read({}).names, ['default', 'far', 'near'])
    assert.equal(read({}).currentEndpoint, 'near')
    assert.match(
      read({ DOCKER_CONTEXT: 'gone' }).missing?.message ?? '',
      /^unable to resolve docker endpoint: context "gone": context not found: open \S+meta\.json: no such file/,
    )
    rmSync(join(config, 'config.json'))
    assert.equal(read({}).currentEndpoint, 'unix:///var/run/docker.sock')
    assert.equal(read({}).isChosen, false)
  })

  it('carry their addresses and certificates', () => {
    assert.deepEqual(read({}).endpoint('near'), { host: 'unix:///near.sock' })
    const far = read({}).endpoint('far')
    assert.equal(far?.host, 'tcp://far:2376')
    assert.equal(Buffer.from(far?.tls?.ca ?? []).toString(), 'PEM')
    assert.equal(read({}).endpoint('gone'), undefined)
  })

  it('with TLS are told what they lack', async () => {
    const env = { DOCKER_HOST: 'tcp://127.0.0.1:1', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nowhere' }
    const endpoint = read(env).endpoint('default')
    const message = 'open /nowhere/ca.pem: no such file or directory'
    assert.equal(endpoint?.problem?.message, message)
    assert.ok(endpoint)
    const { signal } = new AbortController()
    await assert.rejects(dockerApi(endpoint, {}).call('/_ping', { signal }), { message })
    assert.equal(read({ ...env, DOCKER_HOST: 'unix:///x' }).endpoint('default')?.problem, undefined)
    const odd = dockerApi({ host: 'unix:///x' }, { DOCKER_API_VERSION: '1.44.1' })
    await assert.rejects(odd.call('/_ping', { signal }), {
      message: 'invalid API version (1.44.1): must be formatted <major>.<minor>',
    })
  })

  it('that are broken are no contexts', () => {
    mkdirSync(join(config, 'contexts/meta/zz'), { recursive: true })
    writeFileSync(join(config, 'contexts/meta/zz/meta.json'), '{"Name":')
    assert.deepEqual(read({}).names, ['default', 'far', 'near'])
  })
})

describe('addresses of docker', () => {
  it('are completed as docker completes them', () => {
    const cases: readonly [string, string][] = [
      ['', 'tcp://localhost:2376'],
      ['unix://', 'unix:///var/run/docker.sock'],
      ['unix:///x', 'unix:///x'],
      ['tcp://', 'tcp://localhost:2375'],
      ['host', 'tcp://host:2375'],
      [':7', 'tcp://localhost:7'],
      ['tcp://[::1]:5', 'tcp://[::1]:5'],
      ['ssh://me@box', 'ssh://me@box'],
    ]
    for (const [given, expected] of cases) assert.equal(parseDockerHost(given), expected, given)
    assert.throws(() => parseDockerHost('gopher://x'), { message: 'invalid bind address format: gopher://x' })
    const wrong: readonly [string, string][] = [
      ['ssh:x', 'parse "tcp://ssh:x": invalid port ":x" after host'],
      ['tcp://[::1', `parse "tcp://[::1": missing ']' in host`],
      ['tcp://%zz', 'parse "tcp://%zz": invalid URL escape "%zz"'],
      ['tcp://a:1:2', 'invalid bind address format: tcp://a:1:2'],
    ]
    for (const [given, message] of wrong) assert.throws(() => parseDockerHost(given), { message }, given)
  })

  it('are refused in the words of docker’s client', () => {
    const ssh = 'ssh host connection is not valid: invalid SSH URL:'
    const wrong: readonly [string, string][] = [
      ['unix:/x', 'unable to parse docker host `unix:/x`'],
      ['tcp://', 'unable to parse docker host `tcp://`'],
      ['kube-pod://', 'unable to parse docker host `kube-pod://`'],
      ['unix://%zz', 'parse "unix://%zz": invalid URL escape "%zz"'],
      ['npipe://x', 'protocol not available'],
      ['ssh:x', `${ssh} hostname is empty`],
      ['ssh://u:@h', `${ssh} plain-text password is not supported`],
      ['ssh://h?a=b', `${ssh} query parameters are not allowed: "a=b"`],
      ['ssh://h#f', `${ssh} fragments are not allowed: "f"`],
    ]
    for (const [given, message] of wrong) assert.throws(() => checkClientHost(given), { message }, given)
    for (const given of [
      'tcp://h',
      'unix:///x?y',
      'docker-container://c',
      'kubernetes:///b?deployment=&kubeconfig=',
    ])
      checkClientHost(given)
  })
})

describe('frames of docker', () => {
  it('are taken apart wherever they are cut', () => {
    const frame = (stream: number, text: string): Buffer => {
      const head = Buffer.alloc(8)
      head[0] = stream
      head.writeUInt32BE(text.length, 4)
      return Buffer.concat([head, Buffer.from(text)])
    }
    const bytes = Buffer.concat([frame(1, 'out'), frame(2, 'err'), frame(1, ''), frame(1, 'more')])
    for (let cut = 0; cut <= bytes.length; cut++) {
      const seen: string[] = []
      const reader = new FrameReader((stream, data) => seen.push(`${stream}${data.toString()}`))
      reader.push(bytes.subarray(0, cut))
      reader.push(bytes.subarray(cut))
      assert.deepEqual(seen, ['1out', '2err', '1', '1more'], `cut at ${cut}`)
    }
  })
})
