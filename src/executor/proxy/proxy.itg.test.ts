import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { cannotRun, ExecutorFixture } from '../testing/executor-fixture.ts'
import { ProxyLog } from './proxy-log.ts'

const skip = await cannotRun()

describe('containers whose network is watched', { skip }, () => {
  let f: ExecutorFixture
  let origin: string
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    if (request.url === '/away') response.writeHead(302, { Location: '/file' }).end()
    else if (request.url === '/file') response.end('of the host\n')
    else response.writeHead(404).end()
  })
  before(async () => {
    f = await ExecutorFixture.create()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await f[Symbol.asyncDispose]()
  })
  /** wget that asks the proxy for this machine, too. */
  const wget = (path: string): string => `no_proxy= NO_PROXY= wget -q -O- ${origin}${path}`

  test('fetch through it, and what they fetch is known', async () => {
    const log = new ProxyLog()
    const container = f.container(`${wget('/away')}; ${wget('/none')}; echo $?`, { proxy: { log } })
    const { stdout } = await f.run(container)
    assert.equal(stdout, 'of the host\n1\n')
    const sha256 = createHash('sha256').update('of the host\n').digest('hex')
    assert.deepEqual(log.fetched, [
      { url: `${origin}/file`, sha256 },
      { url: `${origin}/away`, sha256 },
    ])
    const url = `${origin}/none`
    assert.deepEqual(log.unknown, [{ method: 'GET', url, reason: 'unsuccessful_response' }])
    assert.equal(
      log.text,
      `proxy network requests:\n- GET ${origin}/away -> 302\n- GET ${origin}/file -> 200\n- GET ${url} -> 404\n`,
    )
    assert.deepEqual(readdirSync(container.upper), [])
  })

  test('reach nothing past it', async () => {
    const log = new ProxyLog()
    const script = `unset http_proxy HTTP_PROXY; wget -q -O- ${origin}/file || echo refused; ip -o link | wc -l`
    const { stdout } = await f.run(f.container(script, { proxy: { log } }))
    assert.equal(stdout, 'refused\n1\n')
    assert.equal(log.text, '')
  })

  test('get what the check allows, or something else', async () => {
    const log = new ProxyLog()
    const check = async (url: string): Promise<string> => {
      if (url.endsWith('/secret')) throw new Error('not allowed')
      return url.replace('/other', '/file')
    }
    seen.length = 0
    const script = `${wget('/secret')}; ${wget('/other')}`
    const { stdout, stderr } = await f.run(f.container(script, { proxy: { log, check } }))
    assert.match(stderr, /403 Forbidden/)
    assert.equal(stdout, 'of the host\n')
    assert.deepEqual(seen, ['GET /file'])
    assert.equal(log.text, `proxy network requests:\n- GET ${origin}/file -> 200\n`)
  })

  test('are told of the authority, and leave nothing of that', async () => {
    const bundle = '/etc/ssl/certs/ca-certificates.crt'
    mkdirSync(join(f.base, 'etc/ssl/certs'), { recursive: true })
    writeFileSync(join(f.base, bundle), 'those of before\n')
    const look = `grep -c 'BEGIN CERTIFICATE' ${bundle}`
    const proxy = { log: new ProxyLog() }
    const untouched = f.container(look, { proxy })
    assert.equal((await f.run(untouched)).stdout, '1\n')
    assert.deepEqual(readdirSync(untouched.upper), [])

    const added = f.container(`${look}; echo more >>${bundle}`, { proxy })
    assert.equal((await f.run(added)).stdout, '1\n')
    assert.equal(readFileSync(join(added.upper, bundle), 'utf8'), 'those of before\nmore\n')

    const replaced = f.container(`echo new >${bundle}.new; mv ${bundle}.new ${bundle}`, { proxy })
    await f.run(replaced)
    assert.equal(readFileSync(join(replaced.upper, bundle), 'utf8'), 'new\n')

    const emptied = f.container(`: >${bundle}`, { proxy })
    await f.run(emptied)
    assert.equal(readFileSync(join(emptied.upper, bundle), 'utf8'), '')

    const none = f.container(`${look}; env | grep -i http_proxy`, { proxy, network: 'none' })
    assert.equal((await f.run(none)).stdout, '0\n')
    assert.equal(existsSync(join(none.upper, 'etc')), false)
  })
})
