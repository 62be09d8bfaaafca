import type { ContentStore } from '../../content/content-store.ts'
import type { ImageNames } from '../../content/image-names.ts'
import { reachableBlobs } from '../../content/reachable.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { type Digest, isDigest } from '../../oci/digest.ts'
import type { HistoryContentApi } from '../engine-api.ts'
import { timestamp } from '../status-message.ts'

/**
 * Blobs of the store for clients that read what records point to. The list has those of cache and history: what named
 * images of the local store consist of is not part of it.
 */
export function historyContent(content: ContentStore, images: ImageNames): HistoryContentApi {
  const sizeOf = async (digest: Digest): Promise<number> => {
    const size = await content.size(digest)
    if (size === undefined) throw missing(digest)
    return size
  }
  return {
    async info(text) {
      const digest = parse(text)
      return { digest, size: BigInt(await sizeOf(digest)) }
    },
    async *read(text, { offset, length }, call) {
      const digest = parse(text)
      const size = await sizeOf(digest)
      if (offset < 0n || length < 0n || offset > BigInt(size)) {
        throw new SlipwayError(
          'out-of-range',
          `requested content should be read from ${offset}, size ${size}`,
        )
      }
      if (offset === BigInt(size)) return
      const range = { offset: Number(offset), ...(length > 0n ? { length: Number(length) } : {}) }
      yield* content.read(digest, { ...range, signal: call.signal })
    },
    async *list(call) {
      const named = await reachableBlobs(
        content,
        images.list().map(image => image.descriptor),
        call.signal,
      )
      for await (const { digest, size, modifiedMs } of content.list()) {
        if (!named.has(digest)) yield { digest, size: BigInt(size), updatedAt: timestamp(modifiedMs) }
      }
    },
  }
}

function parse(text: string): Digest {
  if (isDigest(text)) return text
  throw new SlipwayError('invalid-argument', `${JSON.stringify(text)}: invalid checksum digest format`)
}

const missing = (digest: Digest): SlipwayError =>
  new SlipwayError('not-found', `content digest ${digest}: not found`)
