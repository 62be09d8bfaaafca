import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import type { ImageStore } from '../oci/image-store.ts'
import { parseJson, readObject, readText } from '../oci/json-reader.ts'
import { parseReference, type Reference, withDefaultTag } from '../oci/reference.ts'
import { type BuildCaches, type CacheDocument, enterLocalCache } from './cache-options.ts'

/** Caches of the builds of one call: each node writes its own, to the same places. */
export interface NodeCaches {
  /** Takes the place of `BuildCaches.finish`: called when the build on a node has ended well. */
  add(caches: BuildCaches, response: Readonly<Record<string, string>>): Promise<void>
  /** Makes one cache of those of the nodes, at each place. Answers `cache.manifest` of the last one, if any. */
  finish(): Promise<string | undefined>
}

/** What merging works with. */
export interface NodeCachesOptions {
  /** Repository of a registry, with the user's credentials. */
  readonly repository: (reference: Reference) => Promise<ImageStore>
  /** Told what could not be merged, one line. */
  readonly warn: (line: string) => void
  readonly signal: AbortSignal
}

/**
 * Gathers the caches that several nodes write. Where a place keeps documents (a registry, a directory) all of them are
 * still there by their digests, though the last one has the tag: one document of all takes its place. Row L10.
 */
export function gatherNodeCaches(options: NodeCachesOptions): NodeCaches {
  const manifests: string[] = []
  let documents: readonly CacheDocument[] = []
  return {
    async add(caches, response) {
      documents = caches.documents
      const manifest = response['cache.manifest']
      if (manifest !== undefined && !manifests.includes(manifest)) manifests.push(manifest)
    },
    async finish() {
      let last = manifests.at(-1)
      for (const document of documents) {
        const merged = manifests.length > 1 ? await mergeAt(document, manifests, options) : last
        if (document.kind === 'local') {
          for (const manifest of merged === undefined ? manifests : [merged])
            await enterLocalCache(document.target, manifest)
        }
        last = merged ?? last
      }
      return last
    },
  }
}

/** The merged document; undefined where there is none. */
async function mergeAt(
  document: CacheDocument,
  manifests: readonly string[],
  { repository, warn, signal }: NodeCachesOptions,
): Promise<string | undefined> {
  const { mergeManifests } = await import('../cache/backends/merge-manifests.ts')
  const place = document.kind === 'local' ? document.target.directory : document.reference
  try {
    const { store, tags } = await open(document, repository)
    const answer = await mergeManifests(manifests.map(digestIn), store, {
      attrs: document.attributes,
      tags,
      signal,
    })
    return answer['cache.manifest']
  } catch (error) {
    signal.throwIfAborted()
    warn(`caches of the nodes at ${place} could not be merged: ${asSlipwayError(error).message}`)
    return undefined
  }
}

async function open(
  document: CacheDocument,
  repository: NodeCachesOptions['repository'],
): Promise<{ readonly store: ImageStore; readonly tags: readonly string[] }> {
  if (document.kind === 'registry') {
    const reference = withDefaultTag(parseReference(document.reference))
    return { store: await repository(reference), tags: reference.tag === undefined ? [] : [reference.tag] }
  }
  const { LayoutStore } = await import('../registry/layout/layout-store.ts')
  return { store: new LayoutStore(document.target.directory), tags: [] }
}

function digestIn(manifest: string): Digest {
  const what = 'the answer to a cache export'
  const digest = readText(readObject(parseJson(Buffer.from(manifest), what), what), 'digest', what)
  if (!isDigest(digest)) throw new SlipwayError('internal', `${what} names no digest`)
  return digest
}
