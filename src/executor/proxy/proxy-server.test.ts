import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type RequestOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls'
import { createEgress } from './egress.ts'
import { ProxyAuthority } from './proxy-authority.ts'
import { plainUrl, ProxyLog } from './proxy-log.ts'
import { ProxyServer } from './proxy-server.ts'

describe('the proxy of steps', () => {
  let authority: ProxyAuthority
  let foreign: ProxyAuthority
  let plain: AddressInfo
  let secure: AddressInfo
  const stack = new AsyncDisposableStack()
  const answer = (incoming: IncomingMessage, response: import('node:http').ServerResponse): void => {
    void text(incoming).then(body => {
      const {
        host,
        'x-own': own,
        'proxy-authorization': secret,
        'accept-encoding': coding,
      } = incoming.headers
      if (incoming.url === '/cut') {
        response.writeHead(200, { 'Content-Length': 100 }).write('half')
        setImmediate(() => response.destroy())
      } else if (incoming.url === '/none') response.writeHead(404).end()
      else if (incoming.url === '/long') response.end(Buffer.alloc(3_000_000, 'x'))
      else
        response.end(
          JSON.stringify({ method: incoming.method, url: incoming.url, host, own, secret, coding, body }),
        )
    })
  }

  before(async () => {
    authority = await ProxyAuthority.create()
    foreign = await ProxyAuthority.create()
    const one = createServer(answer).listen(0, '127.0.0.1')
    const other = createTlsServer(
      { SNICallback: (name, done) => done(null, foreign.contextFor(name)) },
      answer,
    )
    other.setSecureContext({})
    other.listen(0, '127.0.0.1')
    for (const server of [one, other]) {
      if (!server.listening) await once(server, 'listening')
      stack.defer(() => {
        server.closeAllConnections()
        server.close()
      })
    }
    plain = one.address() as AddressInfo
    secure = other.address() as AddressInfo
  })
  after(() => stack.disposeAsync())

  /** A proxy, with the means to ask it. */
  async function start(check?: (url: string) => Promise<string>) {
    const log = new ProxyLog()
    const proxy = new ProxyServer({
      authority,
      log,
      egress: createEgress({ namespace: 'host' }, 'test'),
      trust: () => createSecureContext({ ca: foreign.certificate }),
      ...(check === undefined ? {} : { check }),
    })
    stack.use(proxy)
    const port = await proxy.listen({ host: '127.0.0.1', port: 0 })
    const send = async (options: RequestOptions, body = ''): Promise<IncomingMessage> => {
      const asked = request({ host: '127.0.0.1', port, ...options }).end(body)
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      return response
    }
    const get = (path: string, options: RequestOptions = {}) => send({ path, ...options })
    const tunnel = async (target: string): Promise<TLSSocket> => {
      const asked = request({ host: '127.0.0.1', port, method: 'CONNECT', path: target }).end()
      const [, socket] = (await once(asked, 'connect')) as [IncomingMessage, import('node:net').Socket]
      const inside = connectTls({ socket, servername: 'localhost', ca: authority.certificate })
      await once(inside, 'secureConnect')
      return inside
    }
    return { log, send, get, tunnel, proxy, port }
  }
  const origin = (): string => `http://127.0.0.1:${plain.port}`

  it('passes requests and answers on as they are, but for what is between neighbours', async () => {
    const { send, log } = await start()
    const headers = { 'X-Own': 'a', 'Proxy-Authorization': 'b', 'Accept-Encoding': 'gzip' }
    const path = `${origin()}/a%2Fb?c={d}`
    const response = await send({ path, method: 'POST', headers }, 'body')
    assert.deepEqual(JSON.parse(await text(response)), {
      method: 'POST',
      url: '/a%2Fb?c={d}',
      host: `127.0.0.1:${plain.port}`,
      own: 'a',
      body: 'body',
    })
    assert.deepEqual(log.unknown, [{ method: 'POST', url: path, reason: 'method_not_materializable' }])
  })

  it('knows the whole of what it passes on, and says where it does not', async () => {
    const { get, log } = await start()
    const long = await buffer(await get(`${origin()}/long`))
    await text(await get(`${origin()}/none`))
    await text(await get(`${origin()}/part`, { headers: { Range: 'bytes=0-1' } }))
    await assert.rejects(get(`${origin()}/cut`).then(text))
    const { port } = plain
    await text(await get(`http://127.0.0.1:1/`))
    const sha256 = createHash('sha256').update(long).digest('hex')
    assert.deepEqual(log.fetched, [{ url: `${origin()}/long`, sha256 }])
    assert.deepEqual(
      log.unknown.map(one => `${one.url} ${one.reason}`),
      [
        `http://127.0.0.1:${port}/none unsuccessful_response`,
        `http://127.0.0.1:${port}/part partial_response`,
        `http://127.0.0.1:${port}/cut body_read_failed`,
        'http://127.0.0.1:1/ upstream_error',
      ],
    )
  })

  it('answers inside tunnels in the name of the server, several times', async () => {
    const { tunnel, log } = await start()
    const inside = await tunnel(`localhost:${secure.port}`)
    const issued = new X509Certificate(inside.getPeerX509Certificate()?.raw ?? Buffer.alloc(0))
    assert.equal(issued.subjectAltName, 'DNS:localhost')
    assert.equal(issued.verify(new X509Certificate(authority.certificate).publicKey), true)
    inside.write('GET /one HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const [first] = (await once(inside, 'data')) as [Buffer]
    assert.match(String(first), /^HTTP\/1\.1 200 OK\r\n/)
    inside.write('GET /two HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    assert.match(await text(inside), /"url":"\/two"/)
    const url = `https://localhost:${secure.port}`
    assert.equal(log.text, `proxy network requests:\n- GET ${url}/one -> 200\n- GET ${url}/two -> 200\n`)
  })

  it('does not believe servers that nobody vouches for', async () => {
    const proxy = new ProxyServer({
      authority,
      log: new ProxyLog(),
      egress: createEgress({ namespace: 'host' }, 'test'),
      trust: () => createSecureContext({ ca: authority.certificate }),
    })
    stack.use(proxy)
    const port = await proxy.listen({ host: '127.0.0.1', port: 0 })
    const asked = request({ host: '127.0.0.1', port, path: `https://localhost:${secure.port}/` }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    assert.equal(response.statusCode, 502)
  })

  it('asks what is allowed, by plain URLs, and fetches what is to be had instead', async () => {
    const asked: string[] = []
    const { get, send, log, tunnel } = await start(async url => {
      asked.push(url)
      if (url.endsWith('/no')) throw new Error('denied')
      return url.endsWith('/foo') ? `${origin()}/bar` : url
    })
    assert.match(await text(await get(`${origin()}/foo`)), /"url":"\/bar"/)
    assert.equal((await send({ path: `${origin()}/foo`, method: 'PUT' })).statusCode, 403)
    const refused = await get(`http://user:word@127.0.0.1:80/no`)
    assert.equal(refused.statusCode, 403)
    assert.equal(await text(refused), 'Forbidden\n')
    const inside = await tunnel('localhost:443')
    inside.write('GET /no HTTP/1.1\r\nHost: localhost\r\n\r\n')
    assert.match(await text(inside), /^HTTP\/1\.1 403 Forbidden\r\n/)
    assert.deepEqual(asked, [
      `${origin()}/foo`,
      `${origin()}/foo`,
      'http://xxxxx:xxxxx@127.0.0.1/no',
      'https://localhost/no',
    ])
    assert.deepEqual(
      log.fetched.map(({ url }) => url),
      [`${origin()}/bar`],
    )
  })

  it('uses connections again, and makes new ones where a server has closed them', async () => {
    const { get } = await start()
    let made = 0
    const server = createTcpServer(socket => {
      made++
      let answered = 0
      socket.on('error', () => {})
      socket.on('data', () => {
        if (answered++ === 2) socket.destroy()
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    stack.defer(() => void server.close())
    const { port } = server.address() as AddressInfo
    for (let i = 0; i < 5; i++) assert.equal(await text(await get(`http://127.0.0.1:${port}/`)), 'ok')
    assert.equal(made, 3)
  })

  it('survives clients that talk nonsense or leave, and ends connections when it is closed', async () => {
    const { port, proxy, get } = await start()
    for (const words of ['GET\r\n\r\n', 'CONNECT x:1 HTTP/1.1\r\n\r\nnonsense', 'GET / HTTP/1.1\r\n\r\n']) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.end(words)
      socket.resume()
      await once(socket, 'close')
    }
    const half = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    half.end(`GET ${origin()}/half HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    assert.match(await text(half), /"url":"\/half"/)
    const open = connect(port, '127.0.0.1')
    await once(open, 'connect')
    assert.equal((await get(`${origin()}/`)).statusCode, 200)
    await proxy[Symbol.asyncDispose]()
    open.resume()
    await once(open, 'close')
  })
})

describe('URLs of the log', () => {
  it('have neither the usual port nor words that nobody else is to know', () => {
    for (const [url, plain] of [
      ['http://a:80/x', 'http://a/x'],
      ['https://a:443', 'https://a'],
      ['https://a:80/b@c:443', 'https://a:80/b@c:443'],
      ['http://u:p@[::1]:80/?q=@', 'http://xxxxx:xxxxx@[::1]/?q=@'],
      ['http://u@a/', 'http://xxxxx@a/'],
    ] as const)
      assert.equal(plainUrl(url), plain)
  })

  it('lead to a file through chains of redirects', () => {
    const log = new ProxyLog()
    log.addRequest('GET', 'http://a/1', 302, 'http://b:80/2')
    log.addRequest('GET', 'http://b/2', 301, 'https://c:443/3')
    log.addRequest('GET', 'https://c/3', 200)
    log.addRequest('GET', 'http://d/', 302, 'http://e/')
    log.addFetched('https://c/3', 'f00')
    assert.deepEqual(
      log.fetched.map(({ url }) => url),
      ['https://c/3', 'http://b/2', 'http://a/1'],
    )
  })
})
