import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Attributes } from '../../exporter/attributes.ts'
import { readCompression } from '../../exporter/compression-options.ts'
import { mediaType } from '../../oci/media-type.ts'
import { isDigest } from '../../oci/digest.ts'
import type { ClientContent } from '../../session/callers/client-content.ts'
import type { CacheBlobs, CacheExporter, CacheImporter } from './cache-backend.ts'
import { exportManifest, readManifestForm } from './manifest-export.ts'
import { importManifest } from './manifest-import.ts'
import { readDocument } from './read-document.ts'

/** A store of blobs that the client of a session offers. */
export type OpenClientStore = (
  sessionId: string,
  storeId: string,
  signal: AbortSignal,
) => Promise<ClientContent>

/** `type=local`: a cache in a directory of the client, by the digest of its description. Throws `invalid-argument`. */
export function createLocalImporter(attrs: Attributes, open: OpenClientStore): CacheImporter {
  const digest = attrs['digest'] ?? ''
  const source = attrs['src'] ?? ''
  if (digest === '') throw invalid('local cache importer requires explicit digest')
  if (source === '') throw invalid('local cache importer requires src')
  if (!isDigest(digest)) throw invalid(`local cache importer: ${digest} is not a digest`)
  return {
    async load(ctx) {
      const store = await open(needSession(ctx.sessionId), `local:${source}`, ctx.signal)
      const blobs: CacheBlobs = { fetch: (one, options = {}) => store.read(one.digest, options) }
      const size = await store.size(digest, ctx.signal)
      const bytes = await readDocument(blobs, { mediaType: mediaType.ociManifest, digest, size }, ctx.signal)
      return { caches: await importManifest(bytes, blobs, ctx), blobs }
    },
  }
}

/** `type=local`: a cache written into a directory of the client, which lists the document. Throws `invalid-argument`. */
export function createLocalExporter(attrs: Attributes, open: OpenClientStore): CacheExporter {
  const destination = attrs['dest'] ?? ''
  if (destination === '') throw invalid('local cache exporter requires dest')
  const compression = readCompression(attrs)
  const form = readManifestForm(attrs)
  return {
    name: 'exporting cache to client directory',
    compression,
    async write(cache, read, ctx) {
      const { signal } = ctx
      const store = await open(needSession(ctx.sessionId), `local:${destination}`, signal)
      const target: Parameters<typeof exportManifest>[2] = {
        async putBlob(descriptor, content) {
          const there = await store.size(descriptor.digest, signal).catch(() => undefined)
          if (there !== descriptor.size) await store.write(descriptor, content(0), signal)
        },
        putManifest: (descriptor, bytes) =>
          store.write(
            descriptor,
            (async function* () {
              yield bytes
            })(),
            signal,
          ),
      }
      return exportManifest(cache, form, target, read, ctx)
    },
  }
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)

function needSession(sessionId: string): string {
  if (sessionId === '') throw invalid('local cache exporter/importer requires session')
  return sessionId
}
