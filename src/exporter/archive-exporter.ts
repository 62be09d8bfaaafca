import { isSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { formatRfc3339 } from '../gostd/time.ts'
import { type Attributes, readBool } from './attributes.ts'
import type { ClientSink } from './client-sink.ts'
import type { ExporterInstance } from './exporter.ts'
import { imageArchive } from './image-archive.ts'
import { type BlobStore, copyImage } from './image-copy.ts'
import { withGivenConfigs } from './given-configs.ts'
import { imageResponse, namesOf } from './image-exporter.ts'
import type { LayerServices } from './image-layers.ts'
import { readImageOptions } from './image-options.ts'
import { writeImage } from './image-writer.ts'

/** What archive exporters work with besides layers. */
export interface ArchiveServices extends LayerServices {
  readonly sink: (sessionId: string) => Promise<ClientSink>
  /** The store of a client that takes images blob by blob (`tar=false`). */
  readonly exportStore: (sessionId: string) => Promise<BlobStore>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** `type=oci` and `type=docker`: the image as a tar archive that the client gets, or in a store of the client. */
export function createArchiveExporter(
  id: number,
  variant: 'oci' | 'docker',
  attrs: Attributes,
  services: ArchiveServices,
): ExporterInstance {
  readImageOptions(attrs, variant)
  const asTar = readBool(attrs, 'tar', true)
  return {
    id,
    name: `exporting to ${variant} image format`,
    async export(source, ctx) {
      const names = namesOf(attrs, source)
      if (variant === 'docker' && (source.multiPlatform || source.results.length > 1)) {
        throw new SlipwayError(
          'invalid-argument',
          'docker exporter does not currently support exporting manifest lists',
          {
            hint: 'build one platform, or use --output type=oci for all of them',
          },
        )
      }
      const options = readImageOptions(attrs, variant, source)
      const image = await writeImage(withGivenConfigs(source, attrs), { ...options, names }, services, ctx)
      const createdMs = typeof options.epoch === 'number' ? options.epoch * 1000 : services.now()
      const created = { 'org.opencontainers.image.created': formatRfc3339(createdMs) }
      const descriptor = { ...image.descriptor, annotations: { ...created, ...image.descriptor.annotations } }
      const response = imageResponse({ ...image, descriptor }, names)
      if (asTar) {
        const sink = await services.sink(ctx.sessionId)
        const archive = { names, createdMs, docker: variant === 'docker' }
        await ctx.progress.step('sending tarball', async () => {
          const bytes = imageArchive(image, archive, services.content, ctx)
          await sink.sendStream(id, response, bytes, ctx.signal).catch(unlessThere)
        })
      } else {
        const store = await services.exportStore(ctx.sessionId)
        await copyImage(image, store, services.content, ctx)
      }
      return response
    },
  }
}

/** A client that has the image already, and says so once it knows the digest, wants nothing more. */
function unlessThere(error: unknown): void {
  if (!(isSlipwayError(error) && error.code === 'already-exists')) throw error
}
