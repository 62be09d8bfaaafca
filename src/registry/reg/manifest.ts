import { collect } from '../../bytes/collect.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Digest, digestOf, isDigest } from '../../oci/digest.ts'
import type { ResolvedManifest } from '../../oci/image-store.ts'
import { detectManifestType, maxManifestSize } from '../../oci/manifest.ts'
import { mediaType } from '../../oci/media-type.ts'
import { pullScope, pushScope } from '../auth/scope.ts'
import type { HostClient } from '../host-client.ts'
import { retryTransfer } from '../http/retry-transfer.ts'
import type { HttpResponse } from '../http/transport.ts'
import { statusError } from '../registry-error.ts'
import { commit } from './commit.ts'
import { accessTo, firstOf, nameOf, type RepositoryContext, upstream } from './repository-context.ts'

/** Accept header for manifests: what we can read, and everything else so that the error is ours. */
const accept = [
  mediaType.dockerManifest,
  mediaType.dockerManifestList,
  mediaType.ociManifest,
  mediaType.ociIndex,
  '*/*',
].join(', ')

/** Asks what a tag or digest stands for, without the manifest itself; undefined where there is none. */
export async function headManifest(
  context: RepositoryContext,
  target: string,
  signal?: AbortSignal,
): Promise<Descriptor | undefined> {
  const ask = (host: HostClient): Promise<Descriptor> => headAt(context, host, target, signal)
  return await orAbsent(() =>
    accessTo('pull', () => retryTransfer(() => firstOf(context, ask), context.retry, signal)),
  )
}

async function headAt(
  context: RepositoryContext,
  host: HostClient,
  target: string,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const response = await request(context, host, 'HEAD', target, signal)
  response.discard()
  // Some registries know HEAD only for blobs, and some give away no reason for a refusal but to GET.
  if (response.status === 405 || response.status === 403)
    return (await getAt(context, host, target, signal)).descriptor
  if (response.status !== 200) throw await failed(context, 'HEAD', target, response)
  const digest = isDigest(target) ? target : contentDigest(response)
  const length = response.header('content-length')
  if (digest === undefined || length === undefined || !/^\d{1,15}$/.test(length)) {
    return (await getAt(context, host, target, signal)).descriptor
  }
  checkSize(context, target, Number(length))
  return { mediaType: contentType(response), digest, size: Number(length) }
}

/** Fetches the manifest that a tag or digest stands for. */
export async function getManifest(
  context: RepositoryContext,
  target: string,
  signal?: AbortSignal,
): Promise<ResolvedManifest> {
  const ask = (host: HostClient): Promise<ResolvedManifest> => getAt(context, host, target, signal)
  return await accessTo('pull', () => retryTransfer(() => firstOf(context, ask), context.retry, signal))
}

async function getAt(
  context: RepositoryContext,
  host: HostClient,
  target: string,
  signal: AbortSignal | undefined,
): Promise<ResolvedManifest> {
  const response = await request(context, host, 'GET', target, signal)
  if (response.status !== 200) throw await failed(context, 'GET', target, response)
  const length = Number(response.header('content-length') ?? 0)
  if (length > maxManifestSize) {
    response.discard()
    checkSize(context, target, length)
  }
  const expected = isDigest(target) ? target : headerDigest(response)
  const bytes = await collect(response.body, {
    limit: maxManifestSize,
    what: `manifest of ${nameOf(context, target)}`,
  })
  const digest = digestOf(bytes)
  if (expected !== undefined && digest !== expected) {
    throw new SlipwayError(
      'data-loss',
      `${nameOf(context, target)}: unexpected manifest digest ${digest}, expected ${expected}`,
      { hint: 'the registry, or something between it and this machine, altered the manifest' },
    )
  }
  const type = detectManifestType(bytes, contentType(response))
  return { descriptor: { mediaType: type, digest, size: bytes.length }, bytes }
}

async function request(
  context: RepositoryContext,
  host: HostClient,
  method: 'HEAD' | 'GET',
  target: string,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  return await host.request({
    method,
    path: `${context.path}/manifests/${target}`,
    headers: { accept },
    scopes: [pullScope(context.path)],
    verified: isDigest(target),
    signal,
  })
}

/** What a registry made of a manifest. `indexed`: it entered it among the referrers of its subject. */
export interface StoredManifest {
  readonly indexed: boolean
}

/** Stores a manifest under its digest, or under each of the tags. */
export async function putManifest(
  context: RepositoryContext,
  descriptor: Descriptor,
  bytes: Uint8Array,
  options: { readonly tags?: readonly string[] | undefined; readonly signal?: AbortSignal | undefined },
): Promise<StoredManifest> {
  const { tags = [], signal } = options
  let indexed = true
  for (const target of tags.length === 0 ? [descriptor.digest] : tags) {
    const stored = await accessTo('push', () =>
      retryTransfer(() => putAt(context, target, descriptor, bytes, signal), context.retry, signal),
    )
    indexed &&= stored.indexed
  }
  return { indexed }
}

async function putAt(
  context: RepositoryContext,
  target: string,
  descriptor: Descriptor,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<StoredManifest> {
  const host = upstream(context)
  const scopes = [pushScope(context.path)]
  const path = `${context.path}/manifests/${target}`
  // Registries with immutable tags refuse to be told what they already know.
  const before = await host.request({ method: 'HEAD', path, headers: { accept }, scopes, signal })
  before.discard()
  if (
    before.status === 200 &&
    (target === descriptor.digest || contentDigest(before) === descriptor.digest)
  ) {
    return { indexed: true }
  }
  const body = {
    size: bytes.length,
    open: async function* () {
      yield bytes
    },
  }
  const headers = { 'content-type': descriptor.mediaType }
  const response = await commit(descriptor, async () => {
    const answer = await host.request({ method: 'PUT', path, headers, body, scopes, signal })
    if (answer.status < 200 || answer.status > 204) throw await statusError('PUT', answer)
    return answer
  })
  response.discard()
  return { indexed: response.header('oci-subject') !== undefined }
}

/** Whether a failure only says that nothing is there. */
async function orAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'not-found') return undefined
    throw error
  }
}

/** The error for an answer other than hoped for; 404 reads `name:tag: not found`. */
async function failed(
  context: RepositoryContext,
  method: string,
  target: string,
  response: HttpResponse,
): Promise<SlipwayError> {
  const error = await statusError(method, response)
  if (response.status !== 404) return error
  return new SlipwayError('not-found', `${nameOf(context, target)}: not found`, { cause: error })
}

function contentType(response: HttpResponse): string {
  return (response.header('content-type') ?? '').split(';', 1)[0]?.trim() ?? ''
}

function contentDigest(response: HttpResponse): Digest | undefined {
  const text = response.header('docker-content-digest')
  return isDigest(text) ? text : undefined
}

/** As `contentDigest`, but nonsense is an error. */
function headerDigest(response: HttpResponse): Digest | undefined {
  const text = response.header('docker-content-digest')
  if (text === undefined || text === '' || isDigest(text)) return contentDigest(response)
  response.discard()
  throw new SlipwayError(
    'invalid-argument',
    `${JSON.stringify(text.slice(0, 120))} in header not a valid digest`,
  )
}

function checkSize(context: RepositoryContext, target: string, size: number): void {
  if (size <= maxManifestSize) return
  throw new SlipwayError(
    'resource-exhausted',
    `rejecting ${size} byte manifest for ${nameOf(context, target)}`,
  )
}
