import { createHash } from 'node:crypto'
import { forEachBounded } from '../../../async/map-bounded.ts'
import { collectText } from '../../../bytes/collect.ts'
import { SlipwayError } from '../../../errors/slipway-error.ts'
import type { HttpResponse, RequestBody } from '../../../registry/http/transport.ts'
import type { CloudAccess } from '../service/cloud-access.ts'
import { type Content, type Part, partsOf, wholeBody } from '../service/parts.ts'
import { rangeHeader, readContent } from '../service/read-content.ts'
import { bytesBody, ServiceClient, type ServiceRequest } from '../service/service-client.ts'
import { faultOf } from '../service/service-error.ts'
import { xmlEscape, xmlText } from '../service/xml-text.ts'
import { objectUrl } from './bucket-url.ts'
import type { S3Config } from './s3-config.ts'
import { s3Error } from './s3-error.ts'
import { type AwsCredentials, emptyHash, sha256Hex, signRequest } from './sigv4.ts'

const mebibyte = 1024 * 1024
/** Content up to this size is stored by one request (bytes). */
const wholeUpTo = 64 * mebibyte
const partSize = 32 * mebibyte
const maxParts = 10_000
/** Parts of one object at the same time. */
const parallelParts = 4
/** Larger objects can only be copied in parts (bytes). */
const maxCopy = 5 * 1024 * mebibyte
const maxAnswer = 256 * 1024

/** What a bucket says of an object. */
export interface ObjectFacts {
  /** Milliseconds since 1970. */
  readonly modifiedMs: number
  /** Bytes. */
  readonly size: number
}

type Call = Omit<ServiceRequest, 'url' | 'signal'> & {
  readonly query?: Readonly<Record<string, string>>
  /** SHA-256 of the body in hex; needed where there is one. */
  readonly hash?: string
}

/** Objects of one bucket of S3 or a service like it; every request is signed. */
export class S3Bucket {
  readonly #config: S3Config
  readonly #access: CloudAccess
  readonly #client: ServiceClient
  readonly #credentials: (signal?: AbortSignal) => Promise<AwsCredentials>
  readonly #signal: AbortSignal

  constructor(
    config: S3Config,
    access: CloudAccess,
    options: {
      readonly credentials: (signal?: AbortSignal) => Promise<AwsCredentials>
      readonly signal: AbortSignal
    },
  ) {
    this.#config = config
    this.#access = access
    this.#credentials = options.credentials
    this.#signal = options.signal
    this.#client = new ServiceClient(access, {
      attempts: config.retryMaxAttempts,
      shareWaits: config.retryMode === 'adaptive',
      hint: 'check endpoint_url and region of the s3 cache',
    })
  }

  /** Undefined where there is no such object. */
  async head(key: string, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    try {
      const response = await this.#call(key, { method: 'HEAD' }, signal)
      response.discard()
      const modified = Date.parse(response.header('last-modified') ?? '')
      return {
        modifiedMs: Number.isNaN(modified) ? this.#access.now() : modified,
        size: Number(response.header('content-length') ?? 0),
      }
    } catch (error) {
      if (faultOf(error)?.status === 404) return undefined
      throw error
    }
  }

  /** A small object; undefined where there is none. A bucket that is not there is an error. */
  async get(key: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      return (await this.#call(key, { method: 'GET' })).body
    } catch (error) {
      const fault = faultOf(error)
      if (fault?.status === 404 && fault.code !== 'NoSuchBucket') return undefined
      throw error
    }
  }

  /** Streams an object of a known size. */
  read(key: string, size: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const open = (offset: number): Promise<HttpResponse> =>
      this.#call(key, { method: 'GET', headers: rangeHeader(offset) }, signal)
    return readContent(key, size, open, { access: this.#access, signal: signal ?? this.#signal })
  }

  /** Stores content whose SHA-256 is known (hex), at once or in parts. */
  async put(key: string, content: Content, hash: string, signal = this.#signal): Promise<void> {
    if (content.size > wholeUpTo) return this.#putParts(key, content, signal)
    const response = await this.#call(key, { method: 'PUT', body: wholeBody(content), hash }, signal)
    response.discard()
  }

  /** Makes an object look new, so that rules of the bucket do not remove it. */
  async touch(key: string, size: number, signal = this.#signal): Promise<void> {
    const source = `${this.#config.bucket}/${key}`.split('/').map(encodeURIComponent).join('/')
    if (size >= maxCopy) return this.#copyParts(key, size, source, signal)
    const call: Call = {
      method: 'PUT',
      body: bytesBody(new Uint8Array()),
      hash: emptyHash,
      headers: {
        'x-amz-copy-source': source,
        'x-amz-metadata-directive': 'REPLACE',
        'x-amz-meta-updated-at': new Date(this.#access.now()).toISOString(),
      },
    }
    const answer = await this.#answer(key, call, signal)
    if (answer.includes('<Error>')) throw refused('CopyObject', answer)
  }

  async #putParts(key: string, content: Content, signal: AbortSignal): Promise<void> {
    await this.#inParts(key, signal, async upload => {
      const parts = partsOf(content, partSize, maxParts)
      const tags: string[] = []
      const put = async (part: Part, _index: number, stop: AbortSignal): Promise<void> => {
        const query = { partNumber: String(part.number + 1), uploadId: upload }
        const hash = await hashOf(part.body)
        const response = await this.#call(key, { method: 'PUT', query, body: part.body, hash }, stop)
        response.discard()
        tags[part.number] = response.header('etag') ?? ''
      }
      await forEachBounded(parts, put, { limit: parallelParts, signal })
      return tags
    })
  }

  async #copyParts(key: string, size: number, source: string, signal: AbortSignal): Promise<void> {
    await this.#inParts(key, signal, async upload => {
      const tags: string[] = []
      for (let start = 0; start < size; start += maxCopy) {
        const end = Math.min(start + maxCopy, size) - 1
        const call: Call = {
          method: 'PUT',
          query: { partNumber: String(tags.length + 1), uploadId: upload },
          body: bytesBody(new Uint8Array()),
          hash: emptyHash,
          headers: { 'x-amz-copy-source': source, 'x-amz-copy-source-range': `bytes=${start}-${end}` },
        }
        const answer = await this.#answer(key, call, signal)
        if (answer.includes('<Error>')) throw refused('UploadPartCopy', answer)
        tags.push(xmlText(answer, 'ETag') ?? '')
      }
      return tags
    })
  }

  /** An upload in parts: `work` answers their tags, in order. What fails is taken back. */
  async #inParts(
    key: string,
    signal: AbortSignal,
    work: (upload: string) => Promise<readonly string[]>,
  ): Promise<void> {
    const empty = bytesBody(new Uint8Array())
    const begin: Call = { method: 'POST', query: { uploads: '' }, body: empty, hash: emptyHash }
    const begun = await this.#answer(key, begin, signal)
    const uploadId = xmlText(begun, 'UploadId')
    if (uploadId === undefined) throw refused('CreateMultipartUpload', begun)
    try {
      const tags = await work(uploadId)
      const parts = tags.map(
        (tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${xmlEscape(tag)}</ETag></Part>`,
      )
      const body = Buffer.from(
        `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`,
      )
      const headers = { 'content-type': 'application/xml' }
      const call: Call = {
        method: 'POST',
        query: { uploadId },
        headers,
        body: bytesBody(body),
        hash: sha256Hex(body),
      }
      const answer = await this.#answer(key, call, signal)
      // The status is sent before the work is done: what became of it stands in the body.
      if (answer.includes('<Error>')) throw refused('CompleteMultipartUpload', answer)
    } catch (error) {
      const forget = AbortSignal.timeout(5000)
      await this.#call(key, { method: 'DELETE', query: { uploadId } }, forget).then(
        response => response.discard(),
        () => undefined,
      )
      throw error
    }
  }

  async #answer(key: string, call: Call, signal: AbortSignal): Promise<string> {
    return collectText((await this.#call(key, call, signal)).body, { limit: maxAnswer })
  }

  async #call(key: string, call: Call, signal = this.#signal): Promise<HttpResponse> {
    const { query, hash = emptyHash, ...request } = call
    const credentials = await this.#credentials(signal)
    const { region } = this.#config
    const url = objectUrl(this.#config, key, query)
    const answer = this.#client.call({
      ...request,
      url,
      signal,
      authorize: sent =>
        signRequest({ ...sent, payloadHash: hash }, credentials, {
          region,
          service: 's3',
          now: this.#access.now(),
        }),
    })
    return await answer.catch((error: unknown) => {
      const { method } = request
      throw s3Error(error, { name: operationOf(call), method, attempts: this.#config.retryMaxAttempts ?? 3 })
    })
  }
}

/** What S3 calls a request. */
function operationOf({ method, query = {}, headers = {} }: Call): string {
  const isCopy = 'x-amz-copy-source' in headers
  if (method === 'POST') return 'uploads' in query ? 'CreateMultipartUpload' : 'CompleteMultipartUpload'
  if (method === 'DELETE') return 'AbortMultipartUpload'
  if (method !== 'PUT') return method === 'HEAD' ? 'HeadObject' : 'GetObject'
  if ('partNumber' in query) return isCopy ? 'UploadPartCopy' : 'UploadPart'
  return isCopy ? 'CopyObject' : 'PutObject'
}

function refused(what: string, answer: string): SlipwayError {
  const said = [xmlText(answer, 'Code'), xmlText(answer, 'Message')].filter(one => one !== undefined)
  return new SlipwayError('unavailable', [`s3: ${what} failed`, ...said].join(': '))
}

async function hashOf(body: RequestBody): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of body.open()) hash.update(chunk)
  return hash.digest('hex')
}
