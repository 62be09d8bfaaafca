import { SlipwayError } from '../../errors/slipway-error.ts'
import { type Attributes, readStrictBool } from '../../exporter/attributes.ts'
import { readCompression } from '../../exporter/compression-options.ts'
import type { ImageStore } from '../../oci/image-store.ts'
import { parseReference, type Reference, repositoryName, withDefaultTag } from '../../oci/reference.ts'
import type { CacheExporter, CacheImporter } from './cache-backend.ts'
import { exportManifest, readManifestForm } from './manifest-export.ts'
import { importManifest } from './manifest-import.ts'

/** A repository with the credentials of the client's session. */
export type OpenRepository = (reference: Reference, insecure: boolean, sessionId: string) => ImageStore

/** `type=registry`: a cache read from an image. Throws `invalid-argument`. */
export function createRegistryImporter(attrs: Attributes, open: OpenRepository): CacheImporter {
  const reference = readReference(attrs)
  const insecure = readStrictBool(attrs, 'registry.insecure', false, 'failed to parse registry.insecure')
  return {
    async load(ctx) {
      const { signal } = ctx
      const store = open(reference, insecure, ctx.sessionId)
      const { bytes } = await store.resolve(reference.digest ?? reference.tag ?? 'latest', { signal })
      const blobs = { fetch: store.fetch.bind(store), repository: repositoryName(reference) }
      return { caches: await importManifest(bytes, blobs, ctx), blobs }
    },
  }
}

/** `type=registry`: a cache written as an image. Throws `invalid-argument`. */
export function createRegistryExporter(attrs: Attributes, open: OpenRepository): CacheExporter {
  const compression = readCompression(attrs)
  const reference = readReference(attrs)
  const form = readManifestForm(attrs)
  const insecure = readStrictBool(attrs, 'registry.insecure', false, 'failed to parse registry.insecure')
  const tags = reference.tag === undefined ? [] : [reference.tag]
  return {
    name: 'exporting cache to registry',
    compression,
    async write(cache, read, ctx) {
      const { signal } = ctx
      const store = open(reference, insecure, ctx.sessionId)
      const target = {
        async putBlob(...[descriptor, content]: Parameters<Parameters<typeof exportManifest>[2]['putBlob']>) {
          if (await store.hasBlob(descriptor, { signal })) return
          await store.putBlob(descriptor, content, { signal })
        },
        putManifest: (
          ...[descriptor, bytes]: Parameters<Parameters<typeof exportManifest>[2]['putManifest']>
        ) => store.putManifest(descriptor, bytes, { signal, tags }),
      }
      return exportManifest(cache, form, target, read, ctx)
    },
  }
}

function readReference(attrs: Attributes): Reference {
  const text = attrs['ref'] ?? ''
  if (text === '')
    throw new SlipwayError('invalid-argument', 'missing ref', {
      hint: 'give the image that keeps the cache: type=registry,ref=host/name:tag',
    })
  return withDefaultTag(parseReference(text))
}
