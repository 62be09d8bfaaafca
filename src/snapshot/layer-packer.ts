import { SingleFlight } from '../async/single-flight.ts'
import type { LayoutStore } from '../content/layout-store.ts'
import { blameDamage } from '../content/verified-read.ts'
import type { JobRunner } from '../sys/worker-pool.ts'
import type { PackOutput } from './job-pack.ts'
import type { SnapshotJobs } from './jobs.ts'
import type { LayerRecords } from './layer-records.ts'
import { type PackCompression, packedMediaType } from './pack-stream.ts'
import type { LayerBlob, LayerId } from './snapshotter.ts'

/** How a layer is packed; `epochSeconds` (since 1970) sets later file times back. */
export interface PackOptions extends PackCompression {
  readonly epochSeconds?: number
}

/** What the packer works with. */
export interface PackerOptions {
  readonly records: LayerRecords
  readonly jobs: JobRunner<SnapshotJobs>
  readonly directory: (id: LayerId) => string
  /** The layout that gets the blobs. */
  readonly content: LayoutStore
}

/** Makes blobs of layers, each once however many ask at the same time. */
export class DiskLayerPacker {
  readonly #options: PackerOptions
  readonly #flights = new SingleFlight<string, LayerBlob>()

  constructor(options: PackerOptions) {
    this.#options = options
  }

  /**
   * Packs a layer on disk, or answers the blob of an earlier time. What is packed in the default way (no level, no
   * epoch, no eStargz) also becomes the layer's blob for everybody. Throws `not-found`, `resource-exhausted` on a full disk.
   */
  async pack(id: LayerId, options: PackOptions, signal?: AbortSignal): Promise<LayerBlob> {
    const variant = keyOf(options)
    const work = async (shared: AbortSignal): Promise<LayerBlob> => {
      const { records, content } = this.#options
      const known = records.packed(id, variant)
      if (known !== undefined && (await content.size(known.descriptor.digest)) === known.descriptor.size)
        return known
      const blob = await this.#pack(id, options, shared)
      records.addPacked(id, variant, blob)
      if (isDefault(options)) records.addBlob(id, blob)
      return blob
    }
    return await this.#flights.run(`layer ${id} ${variant}`, work, { signal })
  }

  async #pack(id: LayerId, options: PackOptions, signal: AbortSignal): Promise<LayerBlob> {
    const { records, jobs, directory, content } = this.#options
    const { parents } = records.get(id)
    const lowers = parents.every(parent => records.has(parent)) ? parents.map(directory) : undefined
    const compression = compressionOf(options)
    const input = { upper: directory(id), lowers, content: content.root, compression, ...epochOf(options) }
    const packed = await jobs.run('pack', input, { signal })
    records.setContentBytes(id, packed.contentBytes)
    return blobOf(packed, options)
  }

  /** The blob that a layer was packed into, if it was: that of everybody, else any. */
  packed(id: LayerId): LayerBlob | undefined {
    const { records } = this.#options
    return records.blobs(id)[0] ?? records.allPacked(id)[0]
  }

  /** Packs what a blob in the content store holds in another way. */
  async repack(blob: LayerBlob, options: PackOptions, signal?: AbortSignal): Promise<LayerBlob> {
    const { jobs, content } = this.#options
    const { digest } = blob.descriptor
    const work = async (shared: AbortSignal): Promise<LayerBlob> => {
      const input = {
        content: content.root,
        blob: digest,
        compression: compressionOf(options),
        ...epochOf(options),
      }
      const packed = await jobs.run('repack', input, { signal: shared }).catch(async (e: unknown) => {
        throw await blameDamage(e, digest, content, shared)
      })
      return blobOf(packed, options)
    }
    return await this.#flights.run(`blob ${digest} ${keyOf(options)}`, work, { signal })
  }
}

const epochAnnotation = 'buildkit/rewritten-timestamp'

function blobOf(
  { digest, size, diffId, annotations }: PackOutput,
  { type, epochSeconds }: PackOptions,
): LayerBlob {
  const epoch = epochSeconds === undefined ? {} : { [epochAnnotation]: String(epochSeconds) }
  const facts = { ...annotations, ...epoch }
  const annotated = Object.keys(facts).length === 0 ? {} : { annotations: facts }
  return { diffId, descriptor: { mediaType: packedMediaType(type), digest, size, ...annotated } }
}

/** Whether others may take the blob for the layer's own: any gzip or zstd would have done, and the archive is as it is. */
function isDefault({ type, level, epochSeconds }: PackOptions): boolean {
  return level === undefined && epochSeconds === undefined && type !== 'estargz'
}

function compressionOf({ type, level }: PackOptions): PackCompression {
  return level === undefined ? { type } : { type, level }
}

function epochOf({ epochSeconds }: PackOptions): { readonly epochSeconds?: number } {
  return epochSeconds === undefined ? {} : { epochSeconds }
}

function keyOf({ type, level, epochSeconds }: PackOptions): string {
  return `${type} ${level ?? ''} ${epochSeconds ?? ''}`
}
