import { SlipwayError, wrapError } from '../../../errors/slipway-error.ts'
import type { HttpRequest, HttpResponse } from '../../../registry/http/transport.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import type { Content } from '../service/parts.ts'
import { rangeHeader, readContent } from '../service/read-content.ts'
import { bytesBody, ServiceClient, type ServiceRequest } from '../service/service-client.ts'
import { faultOf } from '../service/service-error.ts'
import { azblobError } from './azblob-error.ts'
import type { AzblobConfig } from './azblob-config.ts'
import { putBlockBlob, storageVersion } from './block-blob.ts'
import { signWithKey } from './shared-key.ts'

/** Blobs of one container of Azure's blob storage. */
export class BlobContainer {
  readonly #config: AzblobConfig
  readonly #access: CloudAccess
  readonly #client: ServiceClient
  readonly #token: () => Promise<string>
  readonly #signal: AbortSignal

  private constructor(
    config: AzblobConfig,
    access: CloudAccess,
    options: { readonly token: () => Promise<string>; readonly signal: AbortSignal },
  ) {
    this.#config = config
    this.#access = access
    this.#token = options.token
    this.#signal = options.signal
    this.#client = new ServiceClient(access, { hint: 'check account_url of the azblob cache' })
  }

  /** Opens the container, making it where it is not there. `token` is asked where the account's key is not given. */
  static async open(
    config: AzblobConfig,
    access: CloudAccess,
    options: { readonly token: () => Promise<string>; readonly signal: AbortSignal },
  ): Promise<BlobContainer> {
    const container = new BlobContainer(config, access, options)
    try {
      await container.#ensure()
      return container
    } catch (error) {
      throw wrapError('failed to create container client', error)
    }
  }

  async has(key: string, signal = this.#signal): Promise<boolean> {
    try {
      const response = await this.#call({ method: 'HEAD', url: this.#url(key), signal })
      response.discard()
      return true
    } catch (error) {
      if (faultOf(error)?.status === 404) return false
      throw wrapError(`failed to check blob ${key} existence`, error)
    }
  }

  /** A small blob; undefined where there is none. */
  async get(key: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      return (await this.#call({ method: 'GET', url: this.#url(key), signal: this.#signal })).body
    } catch (error) {
      if (faultOf(error)?.status === 404) return undefined
      throw error
    }
  }

  /** Streams a blob of a known size. */
  read(key: string, size: number, signal = this.#signal): AsyncIterable<Uint8Array> {
    const url = this.#url(key)
    const open = (offset: number): Promise<HttpResponse> =>
      this.#call({ method: 'GET', url, headers: rangeHeader(offset), signal })
    return readContent(key, size, open, { access: this.#access, signal })
  }

  /** Stores a blob; with `once` only where there is none of that name yet. */
  async put(
    key: string,
    content: Content,
    options: { readonly once?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { once = false, signal = this.#signal } = options
    const headers: Record<string, string> = once ? { 'if-none-match': '*' } : {}
    try {
      await putBlockBlob(this.#url(key), content, request => this.#call(request), { headers, signal })
    } catch (error) {
      if (once && faultOf(error)?.code === 'BlobAlreadyExists') return
      throw wrapError(`failed to upload blob ${key}`, error)
    }
  }

  async #ensure(): Promise<void> {
    const { container } = this.#config
    const url = this.#url()
    url.searchParams.set('restype', 'container')
    try {
      const response = await this.#call({ method: 'GET', url, signal: this.#signal })
      return response.discard()
    } catch (error) {
      if (faultOf(error)?.code !== 'ContainerNotFound')
        throw wrapError(`failed to get properties of cache container ${container}`, error)
    }
    try {
      const body = bytesBody(new Uint8Array())
      const response = await this.#call({ method: 'PUT', url, body, signal: this.#signal })
      response.discard()
    } catch (error) {
      // Another build may have been quicker.
      if (faultOf(error)?.code === 'ContainerAlreadyExists') return
      throw wrapError(`failed to create cache container ${container}`, error)
    }
  }

  #url(key = ''): URL {
    const { accountUrl, container } = this.#config
    const parts = [container, ...(key === '' ? [] : key.split('/'))]
    const url = new URL(accountUrl)
    url.pathname = [accountUrl.pathname.replace(/\/+$/, ''), ...parts.map(encodeURIComponent)].join('/')
    return url
  }

  async #call(request: Omit<ServiceRequest, 'authorize'>): Promise<HttpResponse> {
    try {
      return await this.#send(request)
    } catch (error) {
      throw azblobError(error, request.url)
    }
  }

  async #send(request: Omit<ServiceRequest, 'authorize'>): Promise<HttpResponse> {
    const { accountName, secretAccessKey } = this.#config
    const plain = { ...request, headers: { 'x-ms-version': storageVersion, ...request.headers } }
    if (secretAccessKey !== undefined) {
      const key = { account: accountName, key: secretAccessKey }
      const authorize = (sent: HttpRequest): Readonly<Record<string, string>> =>
        signWithKey(sent, key, this.#access.now())
      return this.#client.call({ ...plain, authorize })
    }
    if (request.url.protocol !== 'https:') {
      const message = 'authenticated requests are not permitted for non TLS protected (https) endpoints'
      throw new SlipwayError('failed-precondition', message)
    }
    const token = await this.#token()
    return this.#client.call({ ...plain, authorize: () => ({ authorization: `Bearer ${token}` }) })
  }
}
