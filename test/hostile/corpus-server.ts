import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { digestOf } from '../../src/oci/digest.ts'

/** What is served under one name: documents by tag or digest, blobs by digest. Nothing is checked. */
export interface CorpusImage {
  readonly documents: Readonly<Record<string, { readonly bytes: Uint8Array; readonly mediaType: string }>>
  readonly blobs: Readonly<Record<string, Uint8Array>>
}

/** The part of a reference that stands for a case. */
export const repositoryOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')

/** Serves images on loopback exactly as they are, by `repositoryOf` their names. They are made when they are asked for. */
export async function serveCorpus(
  images: Readonly<Record<string, () => CorpusImage>>,
): Promise<AsyncDisposable & { readonly host: string }> {
  const made = new Map<string, CorpusImage>()
  const byRepository = new Map(Object.entries(images).map(([name, make]) => [repositoryOf(name), make]))
  const find = (repository: string): CorpusImage | undefined => {
    const known = made.get(repository) ?? byRepository.get(repository)?.()
    if (known !== undefined) made.set(repository, known)
    return known
  }
  const server = createServer((request, response) => {
    const [, repository = '', kind = '', target = ''] =
      /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(decodeURIComponent(request.url ?? '')) ?? []
    const image = find(repository)
    const document = kind === 'manifests' ? image?.documents[target] : undefined
    const bytes = document?.bytes ?? (kind === 'blobs' ? image?.blobs[target] : undefined)
    if (bytes === undefined) {
      const status = request.url === '/v2/' ? 200 : 404
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(
        status === 200 ? '{}' : '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}',
      )
      return
    }
    response.writeHead(200, {
      'content-type': document?.mediaType ?? 'application/octet-stream',
      'content-length': bytes.length,
      ...(document === undefined ? {} : { 'docker-content-digest': digestOf(bytes) }),
    })
    response.end(request.method === 'HEAD' ? undefined : bytes)
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
