import { chainIds } from '../oci/chain-id.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { SourceOp as SourceMessage } from '../proto/gen/ops_pb.ts'
import type { Ref } from '../snapshot/ref.ts'
import type { CacheMap, Op, OpContext } from '../solver/op.ts'
import {
  type ImageSource,
  parseImageIdentifier,
  parseLayoutIdentifier,
} from '../source/image/image-source.ts'
import type { ResolvedImage } from '../source/image/resolve-image.ts'
import { cacheDigest } from './cache-digest.ts'
import { resultOf } from './ref-result.ts'

/** One source, told its identifier and attributes. */
export interface SourceInstance {
  /**
   * Keys of the content, cheapest first. A key that begins with `session:` is good for this build only: consumers go by
   * what the tree contains.
   */
  keys(ctx: OpContext): Promise<readonly string[]>
  tree(ctx: OpContext): Promise<Ref>
  /** What was found (a digest, a commit), once the keys are known; absent where nothing vouches for the content. */
  pin?(): string | undefined
  /** Whether the tree lies on this machine as a whole, once the keys are known. */
  isHere?(): boolean
}

/** Makes the source of an identifier. Throws `invalid-argument` for attributes that make no sense. */
export type SourceFactory = (
  rest: string,
  attrs: Readonly<Record<string, string>>,
  platform: Platform,
) => SourceInstance

/** Sources by the scheme of their identifiers. */
export interface SourceServices {
  readonly schemes: Readonly<Record<string, SourceFactory>>
}

/** Brings a tree from outside. */
export function createSourceOp(message: SourceMessage, platform: Platform, services: SourceServices): Op {
  const at = message.identifier.indexOf('://')
  const scheme = at < 0 ? '' : message.identifier.slice(0, at)
  const factory = services.schemes[scheme]
  if (factory === undefined)
    throw new SlipwayError('invalid-argument', `unable to handle source ${message.identifier}`)
  const source = factory(message.identifier.slice(at + 3), message.attrs, platform)
  return {
    limited: false,
    cacheMaps: async ctx => (await source.keys(ctx)).map(sourceCacheMap),
    exec: async (_inputs, ctx) => [resultOf(await source.tree(ctx))],
    pin: () => source.pin?.(),
    isHere: () => source.isHere?.() === true,
  }
}

/** Source: https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/ops/source.go */
function sourceCacheMap(key: string): CacheMap {
  const digest = cacheDigest(`buildkit.source.v0:${key}`)
  return {
    digest: key.startsWith('session:') ? `random:${digest.slice('sha256:'.length)}` : digest,
    inputs: [],
  }
}

/** Whether the layers up to that chain ID are trees on this machine. */
export type IsUnpacked = (chainId: Digest) => boolean

/** `docker-image://`: see `ImageSource`. */
export function imageSourceFactory(images: ImageSource, isUnpacked: IsUnpacked): SourceFactory {
  return imageFactory(images, parseImageIdentifier, isUnpacked)
}

/** `oci-layout://`: an image of an OCI layout that the client offers. */
export function layoutSourceFactory(images: ImageSource, isUnpacked: IsUnpacked): SourceFactory {
  return imageFactory(images, parseLayoutIdentifier, isUnpacked)
}

function imageFactory(
  images: ImageSource,
  parse: typeof parseImageIdentifier,
  isUnpacked: IsUnpacked,
): SourceFactory {
  return (name, attrs, platform) => {
    const identifier = parse(name, attrs, platform)
    let image: ResolvedImage | undefined
    const resolve = async (ctx: OpContext): Promise<ResolvedImage> => {
      image ??= await ctx.progress.step(`resolve ${name}`, () => images.resolve(identifier, ctx))
      return image
    }
    return {
      keys: async ctx => images.keys(identifier, await resolve(ctx)),
      tree: async ctx => images.tree(identifier, await resolve(ctx), ctx),
      pin: () => image?.root.descriptor.digest,
      isHere: () => {
        const top = chainIds(image?.config.rootfs.diff_ids ?? []).at(-1)
        return top !== undefined && isUnpacked(top)
      },
    }
  }
}
