import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a registry on loopback answers instead of the truth. Return undefined to pass the true answer on. */
export type Lie = (
  path: string,
  truth: { status: number; headers: Headers; body: Buffer },
) => Answer | undefined

/** An answer; `cut` ends the connection after so many bytes of the body. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly cut?: number
}

/** Starts a server in this process that passes requests on to an honest registry and tells lies about some of them. */
export async function startLyingRegistry(
  honest: string,
  lie: Lie,
): Promise<AsyncDisposable & { readonly host: string }> {
  const server = createServer((request, response) => {
    answer(honest, lie, request, response).catch(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

async function answer(
  honest: string,
  lie: Lie,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? '/'
  const accept = request.headers.accept
  const headers = accept === undefined ? {} : { accept }
  const fetched = await fetch(`http://${honest}${path}`, { method: request.method ?? 'GET', headers })
  const body = Buffer.from(await fetched.arrayBuffer())
  const told = lie(path, { status: fetched.status, headers: fetched.headers, body })
  const bytes = told?.body ?? body
  const kept = ['content-type', 'docker-content-digest', 'etag'].flatMap(name => {
    const value = fetched.headers.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  const length = request.method === 'HEAD' ? fetched.headers.get('content-length') : String(bytes.length)
  response.writeHead(told?.status ?? fetched.status, {
    ...Object.fromEntries(kept),
    ...(length === null ? {} : { 'content-length': length }),
    ...told?.headers,
  })
  if (told?.cut === undefined || request.method === 'HEAD') {
    response.end(request.method === 'HEAD' ? undefined : bytes)
    return
  }
  response.write(bytes.subarray(0, told.cut), () => response.destroy())
}
