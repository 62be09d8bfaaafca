import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request to a registry that lies, and the truth it could tell. */
export interface Lie {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** `manifest` by tag or digest, `config`, `layer`, `token`, `other`. */
  readonly what: string
  /** What the honest answer's body would be. */
  readonly bytes: Buffer
  readonly mediaType: string
  /** The server of another origin; it says nothing but notes what it is asked. */
  readonly elsewhere: string
  readonly self: string
  /** Answers honestly. */
  tell(): void
}

const endless = (response: ServerResponse): void => {
  const chunk = Buffer.alloc(65_536, 0x20)
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', more)
  }
  more()
}
const redirect = (response: ServerResponse, location: string, status = 302): void =>
  void response.writeHead(status, { location }).end()
const raw = (lie: Lie, text: string | Buffer): void => {
  const { socket } = lie.request
  socket.write(text)
  socket.end()
}
const challenge = (lie: Lie, realm: string): void =>
  void lie.response
    .writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="x"` })
    .end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')

/** What a registry does instead of answering; `accepted` where the image can be had all the same. */
export interface RegistryCase {
  readonly answer: (lie: Lie) => void
  readonly accepted?: boolean
}

const at = (what: string, answer: (lie: Lie) => void, accepted = false): RegistryCase => ({
  answer: lie => (lie.what === what ? answer(lie) : lie.tell()),
  accepted,
})

/** Registries by the name of their fault. */
export const registryCases: Readonly<Record<string, RegistryCase>> = {
  'honest': at('nothing', () => {}, true),
  'endless manifest': at('manifest', ({ response, mediaType }) => {
    response.writeHead(200, { 'content-type': mediaType })
    endless(response)
  }),
  'endless configuration': at('config', ({ response }) => {
    response.writeHead(200)
    endless(response)
  }),
  'endless layer': at('layer', ({ response }) => {
    response.writeHead(200)
    endless(response)
  }),
  'endless error': at('manifest', ({ response }) => {
    response.writeHead(403, { 'content-type': 'application/json' })
    endless(response)
  }),
  'longer than its Content-Length': at('layer', lie =>
    raw(lie, Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${lie.bytes.length - 100}\r\nConnection: close\r\n\r\n`), lie.bytes])),
  ),
  'Content-Length that is none': at('layer', lie => raw(lie, 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n')),
  'Content-Length negative': at('layer', lie => raw(lie, 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n')),
  'Content-Length twice': at('layer', lie => raw(lie, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!')),
  'body without end, connection closed': at('layer', lie =>
    raw(lie, Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), lie.bytes])), true),
  'no HTTP': at('manifest', lie => raw(lie, 'SSH-2.0-OpenSSH_9.2\r\n')),
  'HTTP 0.9': at('manifest', lie => raw(lie, '<html>hi</html>')),
  'status 99': at('manifest', lie => raw(lie, 'HTTP/1.1 99 No\r\n\r\n')),
  'status 204': at('manifest', ({ response }) => void response.writeHead(204).end()),
  'status 304': at('manifest', ({ response }) => void response.writeHead(304).end()),
  'status 206 without a range': at('layer', ({ response, bytes }) =>
    void response.writeHead(206, { 'content-range': `bytes 5-9/${bytes.length}` }).end(bytes.subarray(5, 10))),
  'status 418 with HTML': at('manifest', ({ response }) =>
    void response.writeHead(418, { 'content-type': 'text/html' }).end('<html>\n<body>teapot</body>\n</html>')),
  'header of a megabyte': at('manifest', lie => raw(lie, `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1 << 20)}\r\n\r\n`)),
  'hundred thousand headers': at('manifest', lie => raw(lie, `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(100_000)}\r\n`)),
  'HTML for a manifest': at('manifest', ({ response }) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end('<!DOCTYPE html><html>sign in</html>')),
  'HTML for a configuration': at('config', ({ response }) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')),
  'gzip nobody asked for': at('layer', ({ response, bytes }) =>
    void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes.subarray(1))),
  'redirect to itself': at('layer', ({ request, response }) => redirect(response, request.url ?? '/')),
  'redirects without end': at('layer', ({ response, request }) => redirect(response, `${request.url}?${Math.random()}`)),
  'redirect to a file': at('layer', ({ response }) => redirect(response, 'file:///etc/passwd')),
  'redirect to FTP': at('layer', ({ response }) => redirect(response, 'ftp://127.0.0.1/x')),
  'redirect to a script': at('layer', ({ response }) => redirect(response, 'javascript:alert(1)')),
  'redirect to nothing': at('layer', ({ response }) => redirect(response, '')),
  'redirect to no address': at('layer', ({ response }) => redirect(response, 'http://[::1')),
  'redirect without a place': at('layer', ({ response }) => void response.writeHead(302).end()),
  'redirect of a manifest elsewhere': at('manifest', ({ response, elsewhere }) => redirect(response, `http://${elsewhere}/leak`)),
  'redirect of a layer elsewhere': at('layer', ({ response, elsewhere }) => redirect(response, `http://${elsewhere}/leak`)),
  'redirect that names a user': at('layer', ({ response, elsewhere }) => redirect(response, `http://me:secret@${elsewhere}/leak`)),
  'unauthorized for ever': at('manifest', lie => challenge(lie, `http://${lie.self}/token`)),
  'token from a file': at('manifest', lie => challenge(lie, 'file:///etc/passwd')),
  'token from nowhere': at('manifest', lie => challenge(lie, '::not a url::')),
  'token from elsewhere': at('manifest', lie => challenge(lie, `http://${lie.elsewhere}/leak`)),
  'token without end': {
    answer: lie => {
      if (lie.what === 'token') {
        lie.response.writeHead(200, { 'content-type': 'application/json' })
        endless(lie.response)
      } else challenge(lie, `http://${lie.self}/token`)
    },
  },
  'token that is HTML': {
    answer: lie => (lie.what === 'token' ? void lie.response.end('<html>') : challenge(lie, `http://${lie.self}/token`)),
  },
  'token with a newline': {
    answer: lie => (lie.what === 'token' ? void lie.response.end('{"token":"a\\r\\nX-Evil: 1"}') : challenge(lie, `http://${lie.self}/token`)),
  },
  'challenge without end': at('manifest', ({ response }) =>
    void response.writeHead(401, { 'www-authenticate': `Bearer realm="${'x'.repeat(5000)}` }).end()),
  'challenge of an unknown kind': at('manifest', ({ response }) =>
    void response.writeHead(401, { 'www-authenticate': 'Negotiate' }).end()),
  'challenge of commas': at('manifest', ({ response }) =>
    void response.writeHead(401, { 'www-authenticate': `Bearer ${',='.repeat(4000)}` }).end()),
  'busy, for a year': at('manifest', ({ response }) => void response.writeHead(429, { 'retry-after': '31536000' }).end()),
  'digest in the header lies': at('manifest', ({ response, bytes, mediaType }) =>
    void response.writeHead(200, { 'content-type': mediaType, 'docker-content-digest': `sha256:${'0'.repeat(64)}` }).end(bytes)),
  'digest in the header climbs': at('manifest', ({ response, bytes, mediaType }) =>
    void response.writeHead(200, { 'content-type': mediaType, 'docker-content-digest': 'sha256:../../../etc/passwd' }).end(bytes)),
  'no digest in the header': at('manifest', ({ response, bytes, mediaType }) =>
    void response.writeHead(200, { 'content-type': mediaType }).end(bytes), true),
  'another layer': at('layer', ({ response, bytes }) => void response.end(Buffer.alloc(bytes.length, 1))),
  'empty layer': at('layer', ({ response }) => void response.end()),
} // biome-ignore format: a table
