import { isSlipwayError, SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { OpenBlob } from '../../oci/image-store.ts'
import { pullScope, pushScope } from '../auth/scope.ts'
import type { HostClient } from '../host-client.ts'
import { resolveLocation } from '../http/follow-redirects.ts'
import { retryTransfer, Tries } from '../http/retry-transfer.ts'
import type { HttpResponse, RequestBody } from '../http/transport.ts'
import { registryErrorDetail, statusError } from '../registry-error.ts'
import { skipBytes, takeBytes } from '../skip-bytes.ts'
import { commit } from './commit.ts'
import { accessTo, type RepositoryContext, upstream } from './repository-context.ts'

/** An upload that the registry has opened: where to send to, and how much it has. */
export interface UploadSession {
  readonly location: URL
  readonly offset: number
}

/** Size of requests where a registry turned out to refuse large ones, in bytes. */
const smallChunk = 32 * 1024 * 1024

/**
 * Sends a blob. In one request, or in several of the configured size; what broke goes on from where the registry says
 * it is. `session` is an upload that a refused mount left open.
 */
export async function uploadBlob(
  context: RepositoryContext,
  descriptor: Descriptor,
  open: OpenBlob,
  options: { readonly session?: UploadSession | undefined; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { signal } = options
  using _permit = await context.pushes.acquire(signal)
  const tries = new Tries(context.retry, signal)
  let session: UploadSession | 'there' | undefined = options.session
  let chunkSize = context.uploadChunkSize
  let restarted = false
  const upload: Upload = {
    context,
    descriptor,
    host: upstream(context),
    signal,
    open: offset => counted(open(offset), bytes => tries.moved(bytes)),
  }
  for (;;) {
    try {
      session ??= await accessTo('push', () => begin(upload))
      if (session === 'there') return
      while (chunkSize !== undefined && descriptor.size - session.offset > chunkSize) {
        session = await sendChunk(upload, session, chunkSize)
      }
      const last = session
      return await accessTo('push', () => finish(upload, last))
    } catch (error) {
      const status = registryErrorDetail(error)?.status
      if (status === 413 && chunkSize === undefined && descriptor.size > smallChunk) {
        chunkSize = smallChunk
        session = undefined
      } else if (status === 416 && session !== undefined && !restarted) {
        // The registry and we disagree about where we are.
        restarted = true
        session = undefined
      } else {
        await tries.failed(error)
        session = typeof session === 'object' ? await resume(upload, session) : undefined
      }
    }
  }
}

interface Upload {
  readonly context: RepositoryContext
  readonly descriptor: Descriptor
  readonly host: HostClient
  readonly signal: AbortSignal | undefined
  readonly open: OpenBlob
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    yield chunk
    onBytes(chunk.byteLength)
  }
}

/** Opens an upload, unless the registry says at once that it has the blob. */
async function begin(upload: Upload): Promise<UploadSession | 'there'> {
  const { host, context, signal } = upload
  const path = `${context.path}/blobs/uploads/`
  const response = await host.request({
    method: 'POST',
    path,
    body: noBody,
    scopes: scopesOf(context),
    signal,
  })
  // The specification knows 202 alone; not every registry does.
  if (![200, 201, 202, 204].includes(response.status)) throw await statusError('POST', response)
  response.discard()
  return response.status === 201 ? 'there' : { location: locationOf(response), offset: 0 }
}

/** Sends the rest of the blob and closes the upload. */
async function finish(upload: Upload, from: UploadSession): Promise<void> {
  const { descriptor } = upload
  let session = from
  // What has been begun in pieces is sent on as a piece: not every registry takes content with the closing request then.
  if (session.offset > 0 && session.offset < descriptor.size) {
    session = await sendChunk(upload, session, descriptor.size - session.offset)
  }
  const rest = descriptor.size - session.offset
  const url = new URL(session.location)
  url.searchParams.append('digest', descriptor.digest)
  const body: RequestBody = rest === 0 ? noBody : { size: rest, open: () => upload.open(session.offset) }
  const response = await commit(descriptor, async () => {
    const headers = { 'content-type': 'application/octet-stream' }
    const answer = await request(upload, 'PUT', url, headers, body)
    if (![200, 201, 202, 204].includes(answer.status)) throw await statusError('PUT', answer)
    return answer
  })
  response.discard()
}

async function sendChunk(upload: Upload, session: UploadSession, size: number): Promise<UploadSession> {
  const { location, offset } = session
  const headers = {
    'content-type': 'application/octet-stream',
    'content-range': `${offset}-${offset + size - 1}`,
  }
  const body: RequestBody = { size, open: () => takeBytes(upload.open(offset), size) }
  const response = await request(upload, 'PATCH', location, headers, body)
  if (response.status !== 202) throw await statusError('PATCH', response)
  response.discard()
  return { location: locationOf(response), offset: endOf(response) ?? offset + size }
}

/** Where an upload stands after a break; undefined where the registry knows it no more. */
async function resume(upload: Upload, session: UploadSession): Promise<UploadSession | undefined> {
  try {
    const response = await request(upload, 'GET', session.location, {}, undefined)
    response.discard()
    const offset = endOf(response)
    if (response.status !== 204 || offset === undefined || offset > upload.descriptor.size) return undefined
    const next = response.header('location') === undefined ? session.location : locationOf(response)
    return { location: next, offset }
  } catch (error) {
    if (upload.signal?.aborted) throw error
    // Not even that question is answered: the next try begins anew, and its failure is the one to report.
    return undefined
  }
}

async function request(
  upload: Upload,
  method: 'PUT' | 'PATCH' | 'GET',
  path: URL,
  headers: Readonly<Record<string, string>>,
  body: RequestBody | undefined,
): Promise<HttpResponse> {
  const { host, context, signal } = upload
  return await host.request({ method, path, headers, body, scopes: scopesOf(context), signal })
}

function scopesOf(context: RepositoryContext): readonly string[] {
  return [pushScope(context.path)]
}

const noBody: RequestBody = { size: 0, open: () => skipBytes((async function* () {})(), 0) }

function locationOf(response: HttpResponse): URL {
  const location = response.header('location')
  if (location === undefined) throw new SlipwayError('unavailable', 'registry gave no location to upload to')
  return resolveLocation(location, response.url)
}

/**
 * Number of bytes the registry has, from `Range: 0-99` (100). Registries say `0-0` of an empty upload and of one byte:
 * that is no answer.
 */
function endOf(response: HttpResponse): number | undefined {
  const found = /^(?:bytes=)?0-([1-9]\d{0,14})$/.exec(response.header('range') ?? '')
  return found === null ? undefined : Number(found[1]) + 1
}

/** What became of a mount: taken over, or an upload left open in its place, or nothing. */
export type MountResult = { readonly mounted: boolean; readonly session?: UploadSession }

/** Asks the registry to take a blob over from another of its repositories. */
export async function mountBlob(
  context: RepositoryContext,
  digest: Digest,
  fromPath: string,
  signal?: AbortSignal,
): Promise<MountResult> {
  const scopes = [pushScope(context.path), pullScope(fromPath)]
  const ask = async (): Promise<HttpResponse> => {
    const path = `${context.path}/blobs/uploads/`
    const query = { mount: digest, from: fromPath }
    return await upstream(context).request({ method: 'POST', path, query, body: noBody, scopes, signal })
  }
  let response: HttpResponse
  try {
    response = await retryTransfer(ask, context.retry, signal)
  } catch (error) {
    if (isSlipwayError(error) && error.code === 'canceled') throw error
    // No right to read there, or to ask for both at once: sending the blob may still be allowed.
    if (error instanceof SlipwayError && ['permission-denied', 'unauthenticated'].includes(error.code)) {
      return { mounted: false }
    }
    throw wrapError(`pushing with mount from ${fromPath}`, error)
  }
  response.discard()
  if (response.status === 201) return { mounted: true }
  if (response.status !== 202) return { mounted: false }
  return { mounted: false, session: { location: locationOf(response), offset: 0 } }
}
