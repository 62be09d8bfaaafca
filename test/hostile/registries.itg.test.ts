import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { callCli } from '../../src/cli/testing/call-cli.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { imageOf } from './corpus-image.ts'
import type { CorpusImage } from './corpus-server.ts'
import { repositoryOf } from './corpus-server.ts'
import { registryCases } from './registry-cases.ts'
import { file, tar } from './tar-bytes.ts'

// Registries that lie, all asked with the same credentials and one state directory: each is found out, soon, with one error.

const password = 'the-password'

describe('a registry', { skip: lacks({ root: true }) }, () => {
  const stack = new AsyncDisposableStack()
  const images = new Map<string, CorpusImage>()
  const leaked: string[] = []
  let scratch: Scratch
  let host = ''
  let elsewhere = ''

  before(async () => {
    scratch = stack.use(await makeScratch())
    for (const name of Object.keys(registryCases))
      images.set(repositoryOf(name), imageOf([tar(file('f', name.repeat(50)))]))
    host = await serve((request, response) => {
      const url = request.url ?? ''
      const [, repository = '', kind = '', target = ''] =
        /^\/v2\/(.+?)\/(manifests|blobs)\/([^?]+)/.exec(url) ?? []
      const image = images.get(repository)
      const document = kind === 'manifests' ? image?.documents[target] : undefined
      const bytes = Buffer.from(
        document?.bytes ?? (kind === 'blobs' ? image?.blobs[target] : undefined) ?? '',
      )
      const mediaType = document?.mediaType ?? 'application/octet-stream'
      const isToken = url.startsWith('/token')
      const what = isToken
        ? 'token'
        : kind === 'manifests'
          ? 'manifest'
          : bytes[0] === 0x7b
            ? 'config'
            : bytes.length > 0
              ? 'layer'
              : 'other'
      const tell = (): void => {
        if (isToken) response.end('{"token":"a-token"}')
        else if (bytes.length === 0) response.writeHead(url === '/v2/' ? 200 : 404).end()
        else response.writeHead(200, { 'content-type': mediaType, 'content-length': bytes.length }).end(bytes)
      }
      const scope = /scope=repository(?::|%3A)([^:%&]+)/.exec(url)?.[1] ?? ''
      const name =
        Object.keys(registryCases).find(one => repositoryOf(one) === (isToken ? scope : repository)) ?? ''
      const answer = registryCases[name]?.answer ?? (lie => lie.tell())
      answer({ request, response, what, bytes, mediaType, elsewhere, self: host, tell })
    })
    elsewhere = await serve((request, response) => {
      leaked.push(
        ...Object.entries(request.headers).map(([key, value]) => `${request.url} ${key}: ${String(value)}`),
      )
      response.writeHead(404).end('nothing here')
    })
    await mkdir(scratch.path('docker'))
    await mkdir(scratch.path('c'))
    const auth = Buffer.from(`me:${password}`).toString('base64')
    await writeFile(scratch.path('docker', 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }))
  })
  after(() => stack.disposeAsync())

  for (const [name, { accepted }] of Object.entries(registryCases)) {
    it(name, async () => {
      const before = process.memoryUsage().rss
      const result = await build(name)
      const grown = process.memoryUsage().rss - before
      if (accepted === true) assert.equal(result.code, 0, result.stderr)
      else {
        assertOneError(result, /./)
        const error = result.stderr.split('\n').find(line => line.startsWith('ERROR: ')) ?? ''
        assert.ok(error.length < 2000, error.slice(0, 3000))
        assert.ok(!result.stderr.includes(password) && !result.stderr.includes('secret'), result.stderr)
      }
      assert.ok(grown < 200 << 20, `${grown >> 20} MB more memory`)
    })
  }

  it('that sends its clients elsewhere does not send their credentials along', () => {
    assert.ok(leaked.length > 0)
    // A token server may be anywhere, and is meant to see them.
    const seen = leaked.filter(line => /authorization|cookie/i.test(line) && !line.includes('service='))
    assert.deepEqual(seen, [])
  })

  it('that is honest is used afterwards', async () => {
    assert.equal((await build('honest')).code, 0)
  })

  async function build(name: string) {
    await writeFile(
      scratch.path('c', 'Dockerfile'),
      `FROM ${host}/${repositoryOf(name)}\nCOPY Dockerfile /\n`,
    )
    const env = { HOME: scratch.dir, DOCKER_CONFIG: scratch.path('docker'), BUILDX_BUILDER: 'slipway' }
    const words = [
      'build',
      '--progress=plain',
      '-o',
      `type=tar,dest=${scratch.path('out.tar')}`,
      scratch.path('c'),
    ]
    return await callCli(words, { cwd: scratch.dir, env: { ...env, SLIPWAY_ROOT: scratch.path('state') } })
  }

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    stack.defer(() => {
      server.closeAllConnections()
      server.close()
    })
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }
})
