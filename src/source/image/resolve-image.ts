import { collect } from '../../bytes/collect.ts'
import type { ContentStore } from '../../content/content-store.ts'
import { asSlipwayError, isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Descriptor, Platform } from '../../oci/descriptor.ts'
import { type ImageConfig, maxConfigSize, parseImageConfig } from '../../oci/image-config.ts'
import type { ImageStore, ResolvedManifest } from '../../oci/image-store.ts'
import { type Manifest, maxManifestSize, parseManifest } from '../../oci/manifest.ts'
import { isConfigType, isIndexType, isManifestType } from '../../oci/media-type.ts'
import { matchingManifests, onlyPlatform } from '../../oci/platform-match.ts'
import { formatReference, type Reference, repositoryName, withDigest } from '../../oci/reference.ts'
import type { SourceContext } from '../source-context.ts'
import type { ManifestOrigins } from './manifest-origins.ts'
import type { ResolveMode } from './resolve-mode.ts'

/** An OCI layout that a client offers. Without a session any client's that waits. */
export interface ClientStore {
  readonly sessionId: string
  readonly storeId: string
}

/** Repositories to look a name up in. */
export interface RootLookup {
  /** The repository in its registry, with the credentials of the clients that ask. */
  remote(reference: Reference, ctx: SourceContext): ImageStore
  /** The local store's images of this repository. */
  local(reference: Reference): ImageStore
}

/** Repositories to look in. */
export interface ImageLookup extends RootLookup {
  /** An OCI layout of a client. */
  layout(store: ClientStore, ctx: SourceContext): ImageStore
}

/** What was brought before, and where it came from. */
export interface KnownDocuments {
  readonly content: ContentStore
  readonly origins: ManifestOrigins
}

/** An image of one platform. */
export interface ResolvedImage {
  readonly reference: Reference
  /** What the name stands for: an index, or the manifest itself. */
  readonly root: ResolvedManifest
  readonly manifest: Manifest
  readonly descriptor: Descriptor
  readonly config: ImageConfig
  readonly configBytes: Uint8Array
  /** Where its blobs are. */
  readonly store: ImageStore
}

/** A name resolved to the document behind it. */
export interface ResolvedRoot {
  readonly root: ResolvedManifest
  readonly store: ImageStore
}

const targetOf = (reference: Reference): string => reference.digest ?? reference.tag ?? 'latest'

/** Finds what a name stands for. Throws `not-found` with the whole name. */
export async function resolveRoot(
  reference: Reference,
  mode: ResolveMode,
  lookup: RootLookup,
  { content, origins }: KnownDocuments,
  ctx: SourceContext,
): Promise<ResolvedRoot> {
  const { signal } = ctx
  const remote = lookup.remote(reference, ctx)
  const repository = repositoryName(reference)
  const local = lookup.local(reference)
  const target = targetOf(reference)
  if (reference.digest !== undefined && mode !== 'pull') {
    const from = origins.has(reference.digest, repository) || (await local.head(target, { signal }))
    const known = from ? await knownManifest(reference, content) : undefined
    if (known) return { root: known, store: remote }
  }
  if (mode === 'local') {
    const found = await local.head(target, { signal })
    if (found) return { root: await local.resolve(target, { signal }), store: local }
  }
  try {
    const known = await knownByTag(reference, remote, { content, origins }, signal)
    if (known) return { root: known, store: remote }
    const root = await remote.resolve(target, { signal })
    await content.put(root.bytes, { digest: root.descriptor.digest })
    origins.add(root.descriptor.digest, repository)
    return { root, store: remote }
  } catch (e) {
    const kept = mode === 'default' && !signal.aborted ? await local.head(target, { signal }) : undefined
    if (kept) return { root: await local.resolve(target, { signal }), store: local }
    throw named(reference, e)
  }
}

/**
 * What a tag stands for where that was brought before: the registry is only asked for its digest. Some of them count how
 * often manifests are fetched, and let nobody fetch more than so many.
 */
async function knownByTag(
  reference: Reference,
  remote: ImageStore,
  { content, origins }: KnownDocuments,
  signal: AbortSignal,
): Promise<ResolvedManifest | undefined> {
  const repository = repositoryName(reference)
  if (reference.digest !== undefined || !origins.hasAny(repository)) return undefined
  const head = await remote.head(targetOf(reference), { signal })
  if (head === undefined || !origins.has(head.digest, repository)) return undefined
  return await knownManifest(withDigest(reference, head.digest), content)
}

/** A missing image is said by its name: servers speak only of a manifest. */
function named(reference: Reference, e: unknown): SlipwayError {
  const error = asSlipwayError(e)
  if (error.code !== 'not-found') return error
  return new SlipwayError('not-found', `${formatReference(reference)}: not found`, {
    cause: e,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  })
}

/** A manifest that came from there with its digest before needs no asking. */
async function knownManifest(
  reference: Reference,
  content: ContentStore,
): Promise<ResolvedManifest | undefined> {
  const { digest } = reference
  if (digest === undefined) return undefined
  const size = await content.size(digest)
  if (size === undefined || size > maxManifestSize) return undefined
  const bytes = await readWhole(digest, maxManifestSize, content)
  if (bytes === undefined) return undefined
  try {
    const { mediaType } = parseManifest(bytes)
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes }
  } catch (e) {
    if (isSlipwayError(e)) return undefined
    throw e
  }
}

/**
 * Resolves a name to the image of one platform and brings its manifest and configuration, not its layers. Throws
 * `not-found` (`no match for platform in manifest: not found`), `invalid-argument` for what is no image.
 */
export async function resolveImage(
  reference: Reference,
  platform: Platform,
  mode: ResolveMode,
  lookup: RootLookup,
  known: KnownDocuments,
  ctx: SourceContext,
): Promise<ResolvedImage> {
  const { root, store } = await resolveRoot(reference, mode, lookup, known, ctx)
  const { content, origins } = known
  const name = formatReference(reference)
  const descriptor = chooseManifest(root, platform)
  const bytes =
    descriptor.digest === root.descriptor.digest
      ? root.bytes
      : await bring(descriptor, maxManifestSize, store, content, ctx)
  origins.add(descriptor.digest, repositoryName(reference))
  const parsed = parseManifest(bytes, descriptor.mediaType)
  if (parsed.kind === 'index') {
    return resolveImage(withDigest(reference, descriptor.digest), platform, mode, lookup, known, ctx)
  }
  const { mediaType } = parsed.manifest.config
  if (!isConfigType(mediaType)) {
    throw new SlipwayError(
      'invalid-argument',
      `encountered unknown type ${mediaType}; children may not be fetched`,
      { hint: `${name} is no container image` },
    )
  }
  const configBytes = await bring(parsed.manifest.config, maxConfigSize, store, content, ctx)
  const config = parseImageConfig(configBytes)
  if (config.rootfs.diff_ids.length !== parsed.manifest.layers.length) {
    const { layers } = parsed.manifest
    throw new SlipwayError(
      'invalid-argument',
      `${name}: mismatched image rootfs and manifest layers: ${config.rootfs.diff_ids.length} diff IDs, ${layers.length} layers`,
    )
  }
  return { reference, root, manifest: parsed.manifest, descriptor, config, configBytes, store }
}

function chooseManifest(root: ResolvedManifest, platform: Platform): Descriptor {
  const parsed = parseManifest(root.bytes, root.descriptor.mediaType)
  if (parsed.kind === 'manifest') return { ...root.descriptor, mediaType: parsed.mediaType }
  const candidates = parsed.index.manifests.filter(
    one => isManifestType(one.mediaType) || isIndexType(one.mediaType),
  )
  const [best] = matchingManifests(candidates, onlyPlatform(platform))
  if (best === undefined) {
    const has = candidates.flatMap(one =>
      one.platform && one.platform.os !== 'unknown'
        ? [`${one.platform.os}/${one.platform.architecture}`]
        : [],
    )
    throw new SlipwayError('not-found', 'no match for platform in manifest: not found', {
      hint: `the image has ${[...new Set(has)].join(', ') || 'no platforms'}`,
    })
  }
  return best
}

/** A small blob, from the content store or into it. */
export async function bring(
  descriptor: Descriptor,
  limit: number,
  store: ImageStore,
  content: ContentStore,
  ctx: SourceContext,
): Promise<Uint8Array> {
  if (descriptor.size > limit)
    throw new SlipwayError('resource-exhausted', `rejecting ${descriptor.size} byte ${descriptor.mediaType}`)
  const known = await readWhole(descriptor.digest, limit, content)
  if (known !== undefined) return known
  const bytes = await collect(store.fetch(descriptor, { signal: ctx.signal }), { limit })
  await content.put(bytes, { digest: descriptor.digest, size: descriptor.size })
  return bytes
}

/** A document of the content store; undefined where it is not there, or damaged: it can be had anew. */
async function readWhole(
  digest: Digest,
  limit: number,
  content: ContentStore,
): Promise<Uint8Array | undefined> {
  if ((await content.size(digest)) === undefined) return undefined
  try {
    return await content.readAll(digest, limit)
  } catch (e) {
    if (isSlipwayError(e) && e.code === 'data-loss') return undefined
    throw e
  }
}
