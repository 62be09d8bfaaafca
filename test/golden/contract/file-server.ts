import { spawn } from 'node:child_process'
import { createReadStream, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'

/** Serves a folder for `ADD` and contexts of cases. */
export interface FileServer extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string
}

/**
 * Serves the files of `root`. What is below a `*.git` folder goes through `git http-backend`; `secret*.git` wants the token
 * `t0ken-of-git`, or it in the header `Bearer`. A query says what is odd about an answer: `status`, `type`, `as` (the name in
 * Content-Disposition), `etag`, `to` (a redirection), `auth` (the expected header).
 */
export async function startFileServer(root: string): Promise<FileServer> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x')
    const path = join(root, normalize(decodeURIComponent(url.pathname)))
    if (/\/secret[^/]*\.git\//.test(path) && !isAuthorized(request))
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    else if (/\.git\//.test(path)) backend(root, url, request, response)
    else file(path, url.searchParams, request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const authorizations = [
  'Bearer t0ken-of-git',
  `basic ${Buffer.from('x-access-token:t0ken-of-git').toString('base64')}`,
]

const isAuthorized = (request: IncomingMessage): boolean =>
  authorizations.includes(request.headers.authorization ?? '')

function file(
  path: string,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const auth = query.get('auth')
  const to = query.get('to')
  const stat = statSync(path, { throwIfNoEntry: false })
  if (auth !== null && request.headers.authorization !== auth) return void response.writeHead(401).end()
  if (to !== null) return void response.writeHead(302, { location: to }).end()
  if (stat?.isFile() !== true) return void response.writeHead(404).end()
  const [as, type, etag] = [query.get('as'), query.get('type'), query.get('etag')]
  response.writeHead(Number(query.get('status') ?? 200), {
    'last-modified': stat.mtime.toUTCString(),
    'content-length': stat.size,
    ...(as === null ? {} : { 'content-disposition': `attachment; filename="${as}"` }),
    ...(type === null ? {} : { 'content-type': type }),
    ...(etag === null ? {} : { etag }),
  })
  if (request.method === 'HEAD') response.end()
  else createReadStream(path).pipe(response)
}

function backend(root: string, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const child = spawn('git', ['-c', 'safe.directory=*', 'http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  request.pipe(child.stdin)
  child.stdin.on('error', () => {})
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.on('close', () => {
    const answer = Buffer.concat(chunks)
    const end = answer.indexOf('\r\n\r\n')
    const headers = answer
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map(line => line.split(/: */) as [string, string])
    const status = Number(headers.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200)
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')))
    response.end(answer.subarray(end + 4))
  })
}
