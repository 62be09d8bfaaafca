import { forEachBounded } from '../../../async/map-bounded.ts'
import { collect } from '../../../bytes/collect.ts'
import { SlipwayError } from '../../../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../../../gostd/json.ts'
import { parseJson, readInteger, readObject, readText } from '../../../oci/json-reader.ts'
import type { HttpResponse } from '../../../registry/http/transport.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import { type Content, type Part, partsOf } from '../service/parts.ts'
import { rangeHeader, readContent } from '../service/read-content.ts'
import { bytesBody, ServiceClient, type ServiceRequest } from '../service/service-client.ts'
import { type ActionsCache, type CacheHit, entryVersion } from './actions-cache.ts'
import { isAlreadyThere } from './already-there.ts'
import type { GhaConfig } from './gha-config.ts'

const chunkSize = 32 * 1024 * 1024
const parallelChunks = 4
const maxAnswer = 32 * 1024
const what = 'answer of the actions cache'

/**
 * The first form of the service: REST, content in chunks through the service itself.
 * Wire: https://github.com/tonistiigi/go-actions-cache/blob/master/api.md
 */
export class ActionsCacheV1 implements ActionsCache {
  readonly #config: GhaConfig
  readonly #access: CloudAccess
  readonly #client: ServiceClient

  constructor(config: GhaConfig, access: CloudAccess) {
    this.#config = config
    this.#access = access
    this.#client = new ServiceClient(access, {
      patienceMs: config.timeoutMs,
      hint: 'check url of the gha cache',
    })
  }

  async load(key: string, signal: AbortSignal): Promise<CacheHit | undefined> {
    const query = `keys=${encodeURIComponent(key)}&version=${entryVersion}`
    const response = await this.#call({ method: 'GET', signal }, `cache?${query}`)
    const bytes = await collect(response.body, { limit: maxAnswer })
    if (bytes.byteLength === 0) return undefined
    const object = readObject(parseJson(bytes, what), what)
    const found = readText(object, 'cacheKey', what)
    const place = URL.parse(readText(object, 'archiveLocation', what) ?? '')
    if (found === undefined || place === null) return undefined
    return {
      key: found,
      read: (size, stop = signal) => {
        const open = (offset: number): Promise<HttpResponse> =>
          this.#client.call({ method: 'GET', url: place, headers: rangeHeader(offset), signal: stop })
        return readContent(found, size, open, { access: this.#access, signal: stop })
      },
    }
  }

  async save(key: string, content: Content, signal: AbortSignal): Promise<boolean> {
    const id = await this.#reserve(key, signal)
    if (id === undefined) return false
    const put = async ({ offset, body }: Part, _index: number, stop: AbortSignal): Promise<void> => {
      const range = `bytes ${offset}-${offset + body.size - 1}/*`
      const headers = { 'content-type': 'application/octet-stream', 'content-range': range }
      const response = await this.#call({ method: 'PATCH', headers, body, signal: stop }, `caches/${id}`)
      response.discard()
    }
    const parts = partsOf(content, chunkSize, Number.MAX_SAFE_INTEGER)
    await forEachBounded(parts, put, { limit: parallelChunks, signal })
    const response = await this.#post(`caches/${id}`, { size: content.size }, signal)
    response.discard()
    return true
  }

  async #reserve(key: string, signal: AbortSignal): Promise<number | undefined> {
    try {
      const response = await this.#post('caches', { key, version: entryVersion }, signal)
      const object = readObject(parseJson(await collect(response.body, { limit: maxAnswer }), what), what)
      const id = readInteger(object, 'cacheId', what)
      if (id) return id
    } catch (error) {
      if (isAlreadyThere(error)) return undefined
      throw error
    }
    throw new SlipwayError('unavailable', 'failed to reserve cache')
  }

  #post(path: string, value: JsonValue, signal: AbortSignal): Promise<HttpResponse> {
    const headers = { 'content-type': 'application/json' }
    return this.#call({ method: 'POST', headers, body: bytesBody(Buffer.from(goJson(value))), signal }, path)
  }

  #call(request: Omit<ServiceRequest, 'url'>, path: string): Promise<HttpResponse> {
    const base = this.#config.url.href.replace(/\/+$/, '')
    return this.#client.call({
      ...request,
      url: new URL(`${base}/_apis/artifactcache/${path}`),
      headers: { accept: 'application/json;api-version=6.0-preview.1', ...request.headers },
      authorize: () => ({ authorization: `Bearer ${this.#config.token}` }),
    })
  }
}
