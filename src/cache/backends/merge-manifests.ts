import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Attributes } from '../../exporter/attributes.ts'
import type { ExporterResponse } from '../../exporter/export-context.ts'
import type { Digest } from '../../oci/digest.ts'
import type { ImageStore } from '../../oci/image-store.ts'
import { cacheConfigType } from '../chains/cache-config.ts'
import { CacheGraph } from '../chains/cache-graph.ts'
import { loadConfig } from '../chains/load-config.ts'
import { marshalGraph } from '../chains/marshal-graph.ts'
import type { ReadLayer } from './cache-backend.ts'
import { exportManifest, readManifestForm } from './manifest-export.ts'
import { importManifest } from './manifest-import.ts'

const quiet = {
  status: () => undefined,
  step: <T>(_id: string, work: () => Promise<T>): Promise<T> => work(),
  log: () => undefined,
}

/**
 * Makes one cache of several that lie in one repository, such as those that the nodes of a build have written, and puts
 * it there under `tags`. The layers are where they are: only descriptions are read and written. `attrs` are those of the
 * caches (`oci-mediatypes`, `image-manifest`). Throws `not-found` where one of them is not there.
 */
export async function mergeManifests(
  digests: readonly Digest[],
  store: ImageStore,
  options: { readonly attrs: Attributes; readonly tags: readonly string[]; readonly signal: AbortSignal },
): Promise<ExporterResponse> {
  const { attrs, tags, signal } = options
  const ctx = { signal, progress: quiet, sessionId: '' }
  const graph = new CacheGraph()
  for (const digest of digests) {
    const { bytes } = await store.resolve(digest, { signal })
    for (const { config, layerOf } of await importManifest(bytes, store, ctx))
      loadConfig(config, layerOf, graph)
  }
  return exportManifest(
    marshalGraph(graph),
    readManifestForm(attrs),
    {
      async putBlob(descriptor, open) {
        if (descriptor.mediaType === cacheConfigType) await store.putBlob(descriptor, open, { signal })
      },
      putManifest: (descriptor, bytes) => store.putManifest(descriptor, bytes, { signal, tags }),
    },
    noLayers,
    ctx,
  )
}

const noLayers: ReadLayer = layer => {
  throw new SlipwayError('internal', `${layer.descriptor.digest} is not to be read`)
}
