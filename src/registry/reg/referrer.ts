import { collect } from '../../bytes/collect.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Digest, digestOf } from '../../oci/digest.ts'
import { marshalIndex, maxManifestSize, parseIndex, parseManifest } from '../../oci/manifest.ts'
import { attestationArtifactType, mediaType } from '../../oci/media-type.ts'
import { pullScope } from '../auth/scope.ts'
import type { HostClient } from '../host-client.ts'
import { retryTransfer } from '../http/retry-transfer.ts'
import type { HttpResponse } from '../http/transport.ts'
import { statusError } from '../registry-error.ts'
import { getManifest, headManifest, putManifest } from './manifest.ts'
import { nextPage } from './next-page.ts'
import { accessTo, firstOf, type RepositoryContext } from './repository-context.ts'

const maxReferrers = 10_000

/**
 * Manifests that name `subject` as theirs, from the referrers API or, where the registry has none, from the index that
 * clients keep under the tag `sha256-…`. Source: OCI distribution-spec 1.1, "Listing Referrers".
 */
export async function listReferrers(
  context: RepositoryContext,
  subject: Digest,
  options: {
    readonly artifactTypes?: readonly string[] | undefined
    readonly signal?: AbortSignal | undefined
  },
): Promise<readonly Descriptor[]> {
  const { artifactTypes, signal } = options
  const ask = (host: HostClient): Promise<readonly Descriptor[] | undefined> =>
    fromApi(context, host, subject, artifactTypes ?? [], signal)
  const found =
    (await accessTo('pull', () => retryTransfer(() => firstOf(context, ask), context.retry, signal))) ??
    (await fromTag(context, subject, signal))
  if (artifactTypes === undefined) return found
  return found.filter(d => d.artifactType !== undefined && artifactTypes.includes(d.artifactType))
}

async function fromApi(
  context: RepositoryContext,
  host: HostClient,
  subject: Digest,
  artifactTypes: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly Descriptor[] | undefined> {
  const found: Descriptor[] = []
  const query = artifactTypes.length === 0 ? {} : { artifactType: artifactTypes }
  let page: URL | string | undefined = `${context.path}/referrers/${subject}`
  while (page !== undefined && found.length < maxReferrers) {
    const response: HttpResponse = await host.request({
      method: 'GET',
      path: page,
      query,
      headers: { accept: mediaType.ociIndex },
      scopes: [pullScope(context.path)],
      signal,
    })
    if (response.status !== 200) {
      const error = await statusError('GET', response)
      // Registries without the API answer all sorts of things that mean "no such path".
      if ([400, 404, 405, 406, 415].includes(response.status)) return undefined
      throw error
    }
    const bytes = await collect(response.body, { limit: maxManifestSize, what: `referrers of ${subject}` })
    // An old registry behind a web server may answer everything with a page.
    if (!/json/.test(response.header('content-type') ?? '')) return undefined
    found.push(...parseIndex(bytes, mediaType.ociIndex).manifests)
    page = nextPage(response, host)
  }
  return found
}

const fallbackTag = (subject: Digest): string => subject.replace(':', '-')

async function fromTag(
  context: RepositoryContext,
  subject: Digest,
  signal: AbortSignal | undefined,
): Promise<readonly Descriptor[]> {
  const tag = fallbackTag(subject)
  try {
    const { bytes, descriptor } = await getManifest(context, tag, signal)
    return parseIndex(bytes, descriptor.mediaType).manifests
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'not-found') return []
    throw error
  }
}

/**
 * Enters a manifest into the index under the tag of its subject, for registries without the referrers API. Nothing
 * happens where it has no subject, nor for BuildKit's attestations: those are found by the index that they lie in, and
 * BuildKit leaves no tags of them beside those of the user.
 */
export async function addReferrer(
  context: RepositoryContext,
  descriptor: Descriptor,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const parsed = parseManifest(bytes, descriptor.mediaType)
  const document = parsed.kind === 'index' ? parsed.index : parsed.manifest
  const subject = document.subject?.digest
  if (subject === undefined || document.artifactType === attestationArtifactType) return
  const tag = fallbackTag(subject)
  const listed =
    (await headManifest(context, tag, signal)) === undefined ? [] : await fromTag(context, subject, signal)
  if (listed.some(d => d.digest === descriptor.digest)) return
  const artifactType =
    document.artifactType ?? (parsed.kind === 'manifest' ? parsed.manifest.config.mediaType : undefined)
  const entry: Descriptor = {
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    ...(document.annotations === undefined ? {} : { annotations: document.annotations }),
    ...(artifactType === undefined ? {} : { artifactType }),
  }
  const list = marshalIndex({
    schemaVersion: 2,
    mediaType: mediaType.ociIndex,
    manifests: [...listed, entry],
  })
  const index = { mediaType: mediaType.ociIndex, digest: digestOf(list), size: list.length }
  await putManifest(context, index, list, { tags: [tag], signal })
}
