import { collect } from '../../../bytes/collect.ts'
import { SlipwayError } from '../../../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../../../gostd/json.ts'
import { type JsonObject, parseJson, readFlag, readObject, readText } from '../../../oci/json-reader.ts'
import type { HttpResponse } from '../../../registry/http/transport.ts'
import { putBlockBlob, storageVersion } from '../azblob/block-blob.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import type { Content } from '../service/parts.ts'
import { rangeHeader, readContent } from '../service/read-content.ts'
import { bytesBody, ServiceClient } from '../service/service-client.ts'
import { faultOf } from '../service/service-error.ts'
import { type ActionsCache, type CacheHit, entryVersion } from './actions-cache.ts'
import { isAlreadyThere } from './already-there.ts'
import type { GhaConfig } from './gha-config.ts'

const maxAnswer = 32 * 1024
const what = 'answer of the actions cache'

/**
 * The second form of the service: Twirp with JSON; content goes to blob storage and comes from there, under signed URLs.
 * Wire: https://github.com/actions/toolkit/blob/main/packages/cache/src/generated/results/api/v1/cache.ts
 */
export class ActionsCacheV2 implements ActionsCache {
  readonly #config: GhaConfig
  readonly #access: CloudAccess
  readonly #client: ServiceClient

  constructor(config: GhaConfig, access: CloudAccess) {
    this.#config = config
    this.#access = access
    this.#client = new ServiceClient(access, {
      patienceMs: config.timeoutMs,
      hint: 'check url_v2 of the gha cache',
    })
  }

  async load(key: string, signal: AbortSignal): Promise<CacheHit | undefined> {
    const found = await this.#find(key, signal)
    if (found === undefined) return undefined
    return { key: found.key, read: (size, stop = signal) => this.#read(key, found.url, size, stop) }
  }

  async save(key: string, content: Content, signal: AbortSignal): Promise<boolean> {
    let reserved: JsonObject
    try {
      reserved = await this.#ask('CreateCacheEntry', { key, version: entryVersion }, signal)
    } catch (error) {
      if (isAlreadyThere(error)) return false
      throw error
    }
    const url = URL.parse(readText(reserved, 'signed_upload_url', what) ?? '')
    if (!readFlag(reserved, 'ok', what) || url === null)
      throw new SlipwayError('unavailable', 'failed to reserve cache')
    await putBlockBlob(url, content, request => this.#storage(request), { signal })
    const size = { key, size_bytes: content.size, version: entryVersion }
    const done = await this.#ask('FinalizeCacheEntryUpload', size, signal)
    if (!readFlag(done, 'ok', what)) throw new SlipwayError('unavailable', 'failed to commit cache')
    return true
  }

  async #find(key: string, signal: AbortSignal): Promise<{ key: string; url: URL } | undefined> {
    const asked = { key, restore_keys: [key], version: entryVersion }
    const answer = await this.#ask('GetCacheEntryDownloadURL', asked, signal)
    const found = readText(answer, 'matched_key', what)
    const url = URL.parse(readText(answer, 'signed_download_url', what) ?? '')
    if (!readFlag(answer, 'ok', what) || found === undefined || url === null) return undefined
    return { key: found, url }
  }

  /** Signed URLs expire: one that is refused is asked for anew, once for each opening. */
  #read(key: string, first: URL, size: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    let url = first
    const open = async (offset: number): Promise<HttpResponse> => {
      const headers = rangeHeader(offset)
      try {
        return await this.#storage({ method: 'GET', url, headers, signal })
      } catch (error) {
        const status = faultOf(error)?.status
        if (status !== 401 && status !== 403) throw error
        const again = await this.#find(key, signal)
        if (again === undefined) throw new SlipwayError('not-found', 'cache entry no longer exists')
        url = again.url
        return this.#storage({ method: 'GET', url, headers, signal })
      }
    }
    return readContent(key, size, open, { access: this.#access, signal })
  }

  #storage(request: Omit<Parameters<ServiceClient['call']>[0], 'authorize'>): Promise<HttpResponse> {
    return this.#client.call({ ...request, headers: { 'x-ms-version': storageVersion, ...request.headers } })
  }

  async #ask(method: string, value: JsonValue, signal: AbortSignal): Promise<JsonObject> {
    const base = this.#config.url.href.replace(/\/+$/, '')
    const response = await this.#client.call({
      method: 'POST',
      url: new URL(`${base}/twirp/github.actions.results.api.v1.CacheService/${method}`),
      headers: { 'content-type': 'application/json' },
      body: bytesBody(Buffer.from(goJson(value))),
      authorize: () => ({ authorization: `Bearer ${this.#config.token}` }),
      signal,
    })
    return readObject(parseJson(await collect(response.body, { limit: maxAnswer }), what), what)
  }
}
