import { throwIfAborted } from '../async/abort.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { isIndexType, isManifestType } from '../oci/media-type.ts'
import type { ContentStore } from './content-store.ts'

/** What is enough of a descriptor to follow it. */
export interface BlobRoot {
  readonly digest: Digest
  readonly mediaType?: string
}

const mostManifestBytes = 8 << 20

/**
 * Every blob that the roots lead to, through indexes and manifests: configs, layers, subjects. Blobs that are missing or
 * not what their media type says lead nowhere, and are no error: stores hold parts of images.
 */
export async function reachableBlobs(
  store: ContentStore,
  roots: Iterable<BlobRoot>,
  signal?: AbortSignal,
): Promise<ReadonlySet<Digest>> {
  const seen = new Set<Digest>()
  const waiting: BlobRoot[] = [...roots]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    throwIfAborted(signal)
    if (seen.has(next.digest)) continue
    seen.add(next.digest)
    const type = next.mediaType ?? ''
    if (isIndexType(type) || isManifestType(type)) waiting.push(...(await childrenOf(store, next.digest)))
  }
  return seen
}

async function childrenOf(store: ContentStore, digest: Digest): Promise<BlobRoot[]> {
  const children: BlobRoot[] = []
  const add = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || !('digest' in value) || !isDigest(value.digest)) return
    const type =
      'mediaType' in value && typeof value.mediaType === 'string' ? { mediaType: value.mediaType } : {}
    children.push({ digest: value.digest, ...type })
  }
  try {
    const document: unknown = JSON.parse(
      Buffer.from(await store.readAll(digest, mostManifestBytes)).toString('utf8'),
    )
    if (typeof document !== 'object' || document === null) return []
    for (const key of ['config', 'subject']) add((document as Record<string, unknown>)[key])
    for (const key of ['manifests', 'layers', 'blobs']) {
      const list = (document as Record<string, unknown>)[key]
      if (Array.isArray(list)) for (const item of list) add(item)
    }
  } catch {
    return children
  }
  return children
}
