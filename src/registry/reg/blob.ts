import { verify } from '../../bytes/verify.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { digestOf } from '../../oci/digest.ts'
import { isIndexType, isManifestType } from '../../oci/media-type.ts'
import { pullScope, pushScope } from '../auth/scope.ts'
import type { HostClient } from '../host-client.ts'
import { retryTransfer, Tries } from '../http/retry-transfer.ts'
import type { HttpResponse } from '../http/transport.ts'
import { transportFailure } from '../http/transport-error.ts'
import { statusError } from '../registry-error.ts'
import { skipBytes } from '../skip-bytes.ts'
import { accessTo, firstOf, type RepositoryContext, upstream } from './repository-context.ts'

/**
 * Streams a blob or manifest. A transfer that breaks goes on where it broke; size and digest are checked. At most so
 * many blobs come from one registry at once as the context allows, the others wait. A size of -1 is unknown.
 */
export async function* fetchContent(
  context: RepositoryContext,
  descriptor: Descriptor,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const inline = inlineData(descriptor)
  if (inline !== undefined) {
    yield inline
    return
  }
  if (descriptor.mediaType.endsWith('+json')) {
    // Small and urgent: a manifest does not queue behind layers.
    yield* verify(readAll(context, descriptor, signal), descriptor)
    return
  }
  using _permit = await context.pulls.acquire(signal)
  const { digest, size } = descriptor
  yield* verify(readAll(context, descriptor, signal), size < 0 ? { digest } : { digest, size })
}

/** The content that a descriptor brings itself; undefined where it brings none, or something else. */
function inlineData({ data, digest, size }: Descriptor): Uint8Array | undefined {
  if (data === undefined) return undefined
  const bytes = Buffer.from(data, 'base64')
  return bytes.length === size && digestOf(bytes) === digest ? bytes : undefined
}

async function* readAll(
  context: RepositoryContext,
  descriptor: Descriptor,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const tries = new Tries(context.retry, signal)
  const open = async (host: HostClient): Promise<OpenBody> =>
    await openAt(context, host, descriptor, offset, signal)
  let offset = 0
  for (;;) {
    try {
      const { body, isWhole } = await accessTo('pull', () => firstOf(context, open))
      for await (const chunk of body) {
        offset += chunk.byteLength
        tries.moved(chunk.byteLength)
        yield chunk
      }
      if (offset >= descriptor.size) return
      // Nothing broke off: the server has no more, or the descriptor lies, and asking again changes neither.
      if (isWhole) throw shortRead(descriptor, offset)
      const got = `${offset} of ${descriptor.size} bytes`
      throw transportFailure(`${descriptor.digest}: unexpected EOF after ${got}`, 'eof')
    } catch (error) {
      await tries.failed(error)
    }
  }
}

/** What a server sends. `isWhole`: it said how much that is, so that an end before it is an error of its own. */
interface OpenBody {
  readonly body: AsyncIterable<Uint8Array>
  readonly isWhole: boolean
}

function shortRead({ size }: Descriptor, got: number): SlipwayError {
  return new SlipwayError('data-loss', `short read: expected ${size} bytes but got ${got}: unexpected EOF`)
}

async function openAt(
  context: RepositoryContext,
  host: HostClient,
  descriptor: Descriptor,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<OpenBody> {
  const { digest, mediaType } = descriptor
  const kind = isIndexType(mediaType) || isManifestType(mediaType) ? 'manifests' : 'blobs'
  const response = await host.request({
    method: 'GET',
    path: `${context.path}/${kind}/${digest}`,
    headers: {
      accept: mediaType === '' ? '*/*' : `${mediaType}, */*`,
      ...(offset === 0 ? {} : { range: `bytes=${offset}-` }),
    },
    scopes: [pullScope(context.path)],
    verified: true,
    signal,
  })
  const isWhole = ['content-length', 'transfer-encoding'].some(name => response.header(name) !== undefined)
  if (response.status === 206) return { body: await fromRange(response, offset), isWhole }
  if (response.status === 200) return { body: skipBytes(response.body, offset), isWhole }
  const error = await statusError('GET', response)
  if (response.status !== 404) throw error
  throw new SlipwayError(
    'not-found',
    `could not fetch content descriptor ${digest} (${mediaType}) from remote: not found`,
    { cause: error },
  )
}

async function fromRange(response: HttpResponse, offset: number): Promise<AsyncIterable<Uint8Array>> {
  const range = response.header('content-range') ?? ''
  if (range.startsWith(`bytes ${offset}-`)) return response.body
  response.discard()
  throw new SlipwayError('unavailable', `unhandled content range in response: ${range.slice(0, 80)}`)
}

/** Whether the registry has the blob. */
export async function hasBlob(
  context: RepositoryContext,
  descriptor: Descriptor,
  signal?: AbortSignal,
): Promise<boolean> {
  const host = upstream(context)
  const ask = async (): Promise<boolean> => {
    const path = `${context.path}/blobs/${descriptor.digest}`
    const scopes = [pushScope(context.path)]
    const response = await host.request({ method: 'HEAD', path, scopes, verified: true, signal })
    response.discard()
    if (response.status === 200) return true
    if (response.status === 404) return false
    if (response.status === 403) {
      // An answer to HEAD has no room for the reason.
      const told = await host.request({ method: 'GET', path, scopes, verified: true, signal })
      if (told.status === 403) throw await statusError('HEAD', told)
      told.discard()
    }
    throw await statusError('HEAD', response)
  }
  return await accessTo('push', () => retryTransfer(ask, context.retry, signal))
}
