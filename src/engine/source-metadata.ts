import { createHash } from 'node:crypto'
import { closeSync, readSync } from 'node:fs'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import { parseGitIdentifier } from '../ops/git-source.ts'
import type { ChecksumRequest } from '../proto/gen/gateway_pb.ts'
import { type HttpIdentifier, parseHttpIdentifier } from '../source/http/http-identifier.ts'
import type { HttpFile } from '../source/http/http-source.ts'
import {
  type ImageIdentifier,
  parseImageIdentifier,
  parseLayoutIdentifier,
} from '../source/image/image-source.ts'
import type { AttestationChain } from '../source/image/attestation-chain.ts'
import type { SourceContext } from '../source/source-context.ts'
import type { EngineServices } from './services.ts'
import type { PolicySource } from './source-policy.ts'

/** What is asked of a source. */
export interface MetadataRequest {
  readonly source: PolicySource
  readonly platform: Platform
  /** Replaces the attribute of images. */
  readonly resolveMode: string | undefined
  /** Whether the objects of a Git source are wanted; they mean fetching it. */
  readonly gitObjects: boolean
  /** Whether the configuration of an image is wanted; true where it is not said. */
  readonly imageConfig?: boolean
  /** Predicate types of statements about an image that are wanted, with all that vouches for them; undefined: nothing of it. */
  readonly attestations?: readonly string[] | undefined
  /** A digest of a file of the web with bytes behind it (a signature is over both). */
  readonly checksum?: ChecksumRequest | undefined
}

/** What is known of a source without its content. */
export interface SourceMetadata {
  /** The source as it is after policies. */
  readonly source: PolicySource
  readonly image?: {
    readonly digest: string
    readonly config: Uint8Array
    readonly attestations?: AttestationChain
  }
  readonly git?: {
    readonly ref: string
    /** Name of the object: a commit or an annotated tag. */
    readonly checksum: string
    /** The commit of a tag. */
    readonly commitChecksum: string
    readonly commitObject?: Uint8Array
    readonly tagObject?: Uint8Array
  }
  readonly http?: {
    readonly digest: string
    readonly filename: string
    /** Milliseconds since 1970. */
    readonly lastModified: number | undefined
    readonly checksum?: { readonly digest: string; readonly suffix: Uint8Array }
  }
}

/** Finds out about a source. Other kinds of sources have nothing to tell. */
export async function sourceMetadata(
  request: MetadataRequest,
  services: EngineServices,
  ctx: SourceContext,
): Promise<SourceMetadata> {
  const { source, platform, resolveMode } = request
  const withoutConfig = (known: ImageFacts): ImageFacts =>
    request.imageConfig === false ? { ...known, config: new Uint8Array() } : known
  const at = source.identifier.indexOf('://')
  const scheme = at < 0 ? '' : source.identifier.slice(0, at)
  const rest = source.identifier.slice(at + 3)
  switch (scheme) {
    case 'docker-image': {
      const attrs =
        resolveMode === undefined ? source.attrs : { ...source.attrs, 'image.resolvemode': resolveMode }
      const identifier = parseImageIdentifier(rest, attrs, platform)
      const found = withoutConfig(await image(identifier, services, ctx))
      const wanted = request.attestations
      const chain =
        wanted === undefined ? undefined : await services.imageSource.attestations(identifier, wanted, ctx)
      return { source, image: { ...found, ...(chain === undefined ? {} : { attestations: chain }) } }
    }
    case 'oci-layout':
      return {
        source,
        image: await image(parseLayoutIdentifier(rest, source.attrs, platform), services, ctx),
      }
    case 'git':
      return { source, git: await git(rest, request, services, ctx) }
    case 'http':
    case 'https': {
      const identifier = parseHttpIdentifier(scheme, rest, source.attrs)
      if (identifier.signature !== undefined) await services.http.verified(identifier, ctx)
      const file = await services.http.fetch(identifier, ctx)
      const time = Date.parse(file.modified)
      const lastModified = Number.isNaN(time) ? undefined : time
      const { checksum: asked } = request
      const checksum =
        asked === undefined ? undefined : await checksumOf(identifier, file, asked, services, ctx)
      const known = { digest: file.digest, filename: file.filename, lastModified }
      return { source, http: { ...known, ...(checksum === undefined ? {} : { checksum }) } }
    }
    default:
      return { source }
  }
}

type ImageFacts = NonNullable<SourceMetadata['image']>

const algorithms: readonly string[] = ['sha256', 'sha384', 'sha512']

/** Longer bytes behind a file are refused. */
const longestSuffix = 4096

async function checksumOf(
  identifier: HttpIdentifier,
  file: HttpFile,
  request: ChecksumRequest,
  services: EngineServices,
  ctx: SourceContext,
): Promise<{ digest: string; suffix: Uint8Array }> {
  const { Suffix: suffix, Algo } = request
  const algorithm = algorithms[Algo]
  if (algorithm === undefined)
    throw new SlipwayError('invalid-argument', `unsupported checksum algorithm ${Number(Algo)}`)
  if (suffix.length > longestSuffix) {
    throw new SlipwayError(
      'invalid-argument',
      `http checksum request suffix exceeds max size ${longestSuffix}`,
    )
  }
  using tree = await services.trees.view(await services.http.tree(identifier, file, ctx), ctx.signal)
  const hash = createHash(algorithm)
  const fd = tree.open(`/${file.filename}`)
  try {
    const buffer = Buffer.alloc(1 << 16)
    for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) hash.update(buffer.subarray(0, n))
  } finally {
    closeSync(fd)
  }
  return { digest: `${algorithm}:${hash.update(suffix).digest('hex')}`, suffix }
}

async function image(
  identifier: ImageIdentifier,
  services: EngineServices,
  ctx: SourceContext,
): Promise<NonNullable<SourceMetadata['image']>> {
  const { reference } = identifier
  const found = await services.imageSource.resolve(identifier, ctx)
  const { digest } = found.root.descriptor
  if (reference.digest !== undefined && reference.digest !== digest) {
    throw new SlipwayError('data-loss', `${reference.digest} resolved to ${digest}`)
  }
  return { digest, config: found.configBytes }
}

async function git(
  rest: string,
  request: MetadataRequest,
  services: EngineServices,
  ctx: SourceContext,
): Promise<NonNullable<SourceMetadata['git']>> {
  const identifier = parseGitIdentifier(rest, request.source.attrs)
  const ref = await services.git.resolve(identifier, ctx)
  await services.git.verify(identifier, ref, ctx)
  const known = { ref: ref.name, checksum: ref.object }
  if (!request.gitObjects) {
    return { ...known, commitChecksum: identifier.keepGitDir ? '' : (ref.tagged ?? '') }
  }
  const objects = await services.git.objects(identifier, ref, ctx)
  return {
    ...known,
    commitChecksum: objects.tagged ?? '',
    commitObject: objects.commit,
    ...(objects.tag === undefined ? {} : { tagObject: objects.tag }),
  }
}
