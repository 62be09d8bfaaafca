import { SingleFlight } from '../async/single-flight.ts'
import type { LayerCompression } from '../compression/compress-layer.ts'
import { layerMediaType } from '../compression/compression-type.ts'
import type { JobRunner } from '../sys/worker-pool.ts'
import type { PackOutput } from './job-pack.ts'
import type { SnapshotJobs } from './jobs.ts'
import type { LayerRecords } from './layer-records.ts'
import type { LayerBlob, LayerId } from './snapshotter.ts'

/** How a layer is packed; `epochSeconds` (since 1970) sets later file times back. */
export interface PackOptions extends LayerCompression {
  readonly epochSeconds?: number
}

/** What the packer works with. */
export interface PackerOptions {
  readonly records: LayerRecords
  readonly jobs: JobRunner<SnapshotJobs>
  readonly directory: (id: LayerId) => string
  /** Root of the OCI layout that gets the blobs. */
  readonly content: string
}

/** Makes blobs of layers, each once however many ask at the same time. */
export class DiskLayerPacker {
  readonly #options: PackerOptions
  readonly #flights = new SingleFlight<string, LayerBlob>()

  constructor(options: PackerOptions) {
    this.#options = options
  }

  /**
   * Packs a layer on disk. What is packed in the default way (no level, no epoch) is remembered as the layer's blob.
   * Throws `not-found`, `resource-exhausted` on a full disk.
   */
  async pack(id: LayerId, options: PackOptions, signal?: AbortSignal): Promise<LayerBlob> {
    const { records, jobs, directory, content } = this.#options
    const compression = compressionOf(options)
    const work = async (shared: AbortSignal): Promise<LayerBlob> => {
      const { parents } = records.get(id)
      const input = {
        upper: directory(id),
        lowers: parents.map(directory),
        content,
        compression,
        ...epochOf(options),
      }
      const packed = await jobs.run('pack', input, { signal: shared })
      records.setContentBytes(id, packed.contentBytes)
      const blob = blobOf(packed, options)
      if (options.level === undefined && options.epochSeconds === undefined) records.addBlob(id, blob)
      return blob
    }
    return await this.#flights.run(`layer ${id} ${keyOf(options)}`, work, { signal })
  }

  /** Packs what a blob in the content store holds in another way. */
  async repack(blob: LayerBlob, options: PackOptions, signal?: AbortSignal): Promise<LayerBlob> {
    const { jobs, content } = this.#options
    const { digest } = blob.descriptor
    const work = async (shared: AbortSignal): Promise<LayerBlob> => {
      const input = { content, blob: digest, compression: compressionOf(options), ...epochOf(options) }
      return blobOf(await jobs.run('repack', input, { signal: shared }), options)
    }
    return await this.#flights.run(`blob ${digest} ${keyOf(options)}`, work, { signal })
  }
}

const epochAnnotation = 'buildkit/rewritten-timestamp'

function blobOf({ digest, size, diffId }: PackOutput, { type, epochSeconds }: PackOptions): LayerBlob {
  const annotations =
    epochSeconds === undefined ? {} : { annotations: { [epochAnnotation]: String(epochSeconds) } }
  return { diffId, descriptor: { mediaType: layerMediaType(type), digest, size, ...annotations } }
}

function compressionOf({ type, level }: PackOptions): LayerCompression {
  return level === undefined ? { type } : { type, level }
}

function epochOf({ epochSeconds }: PackOptions): { readonly epochSeconds?: number } {
  return epochSeconds === undefined ? {} : { epochSeconds }
}

function keyOf({ type, level, epochSeconds }: PackOptions): string {
  return `${type} ${level ?? ''} ${epochSeconds ?? ''}`
}
