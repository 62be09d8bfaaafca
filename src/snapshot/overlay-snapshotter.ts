import { chmod, lchown, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SingleFlight } from '../async/single-flight.ts'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { type Digest, digestHex } from '../oci/digest.ts'
import { isLayerType } from '../oci/media-type.ts'
import { lock, tryLock } from '../sys/file-lock.ts'
import type { ProcessIdentity } from '../sys/process-identity.ts'
import type { JobRunner } from '../sys/worker-pool.ts'
import type { SnapshotJobs } from './jobs.ts'
import type { LayerRecords } from './layer-records.ts'
import type { OverlayPrefix } from './overlay-xattr.ts'
import { statPath } from './read-entry.ts'
import type {
  ActiveLayer,
  Layer,
  LayerBlob,
  LayerId,
  LayerStack,
  PackedLayer,
  PrepareOptions,
  Snapshotter,
} from './snapshotter.ts'

/** What the snapshotter works with. */
export interface SnapshotterOptions {
  /** Directory of the layers: `<root>/<id>/fs` and `<root>/<id>/work`. */
  readonly root: string
  /** Directory of lock files. */
  readonly locks: string
  readonly records: LayerRecords
  readonly jobs: JobRunner<SnapshotJobs>
  readonly kind: 'overlay' | 'native'
  readonly overlayPrefix: OverlayPrefix
  readonly inUserNamespace: boolean
  readonly owner: ProcessIdentity
}

/**
 * After this time the kernel has written a file by itself, even with the settings of laptops: waiting for the disk at
 * the end of each build would cost seconds.
 */
const writtenAfterMs = 15 * 60_000

/** Nobody unpacks one layer for longer. */
const lockAgeMs = 24 * 3_600_000

/** What becomes of an active layer besides its directory. */
type Facts = Parameters<LayerRecords['commit']>[1]

/**
 * Layers as overlayfs upper directories. Nothing is mounted here. With `kind` `native` nothing can be mounted anywhere:
 * containers get a copy (`checkout`), and what they changed is brought back (`capture`).
 */
export class OverlaySnapshotter implements Snapshotter {
  readonly kind: 'overlay' | 'native'
  readonly #options: SnapshotterOptions
  readonly #records: LayerRecords
  readonly #unpacking = new SingleFlight<Digest, Layer>()

  constructor(options: SnapshotterOptions) {
    this.kind = options.kind
    this.#options = options
    this.#records = options.records
  }

  async prepare(parents: LayerStack, options: PrepareOptions = {}): Promise<ActiveLayer> {
    return await this.#begin(parents, options)
  }

  async get(id: LayerId): Promise<Layer> {
    const layer = this.#records.get(id)
    this.#records.touch(id)
    return layer
  }

  directory(id: LayerId): string {
    return join(this.#folder(id), 'fs')
  }

  async findByChainId(chainId: Digest): Promise<Layer | undefined> {
    const layer = this.#records.findByChainId(chainId)
    if (layer === undefined) return undefined
    if (statPath(this.directory(layer.id)) === undefined) {
      // Somebody has removed the files: it is unpacked again, under another number.
      await this.remove(layer.id)
      return undefined
    }
    this.#records.touch(layer.id)
    return layer
  }

  async unpack(
    blob: PackedLayer,
    parents: LayerStack,
    chainId: Digest,
    signal?: AbortSignal,
  ): Promise<Layer> {
    const work = async (shared: AbortSignal): Promise<Layer> => {
      using _lock = await lock(join(this.#options.locks, `unpack-${digestHex(chainId)}`), { signal: shared })
      return (await this.findByChainId(chainId)) ?? (await this.#unpack(blob, parents, chainId, shared))
    }
    return (await this.findByChainId(chainId)) ?? (await this.#unpacking.run(chainId, work, { signal }))
  }

  async addBlob(id: LayerId, blob: LayerBlob): Promise<void> {
    this.#records.addBlob(id, blob)
  }

  async blobs(id: LayerId): Promise<readonly LayerBlob[]> {
    return this.#records.blobs(id)
  }

  /** The record goes first: a directory without a record is swept, a record without a directory would break builds. */
  async remove(id: LayerId): Promise<void> {
    // Files first: on a full disk the record cannot be changed before there is room again.
    await this.#removeFolder(id)
    this.#records.remove(id)
  }

  /**
   * Removes a layer that nobody holds, that nothing was made on, and that was not asked for after `untilMs`
   * (milliseconds since 1970). False where it stays.
   */
  async removeUnused(id: LayerId, untilMs: number): Promise<boolean> {
    const gone = this.#records.removeUnused(id, untilMs)
    if (gone) await this.#removeFolder(id)
    return gone
  }

  /** Copies what a stack of layers shows into the empty directory `target`. */
  async checkout(layers: LayerStack, target: string, signal?: AbortSignal): Promise<void> {
    await this.copyOut(this.#directories(layers), target, signal)
  }

  /** As `checkout`, with the directories of the layers. */
  async copyOut(lowers: readonly string[], target: string, signal?: AbortSignal): Promise<void> {
    await this.#options.jobs.run('checkout', { layers: lowers, target }, { signal })
  }

  /** Writes into an active layer what was changed in `source`, a directory that was checked out from its parents. */
  async capture(active: ActiveLayer, source: string, signal?: AbortSignal): Promise<void> {
    await this.copyBack(this.#directories(active.parents), source, active.upper, signal)
  }

  /** As `capture`, with the directories of the layers and that of the one that is being made. */
  async copyBack(
    lowers: readonly string[],
    source: string,
    upper: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const { overlayPrefix } = this.#options
    await this.#options.jobs.run('capture', { lowers, source, upper, overlayPrefix }, { signal })
  }

  /** Bytes that the layer takes on disk, counted on first use. */
  async usage(id: LayerId, signal?: AbortSignal): Promise<number> {
    const { size } = this.#records.get(id)
    if (size !== undefined) return size
    const { diskBytes } = await this.#options.jobs.run('measure', { path: this.directory(id) }, { signal })
    this.#records.setSize(id, diskBytes)
    return diskBytes
  }

  /**
   * Looks at layers whose files may not have reached the disk before the machine went down: those that are not what
   * they were are removed. To be called before layers are used. `now` in milliseconds since 1970.
   */
  async checkAfterRestart(now: number, signal?: AbortSignal): Promise<void> {
    this.#records.setSynced(this.#records.unsynced(this.#options.owner.bootId, now - writtenAfterMs))
    for (const id of this.#records.sealedInOtherBoots(this.#options.owner.bootId)) {
      const { contentBytes } = this.#records.get(id)
      const found = await this.#options.jobs
        .run('measure', { path: this.directory(id) }, { signal })
        .catch(() => undefined)
      if (contentBytes !== undefined && found?.contentBytes === contentBytes) this.#records.setSynced([id])
      else await this.remove(id)
    }
  }

  /**
   * Removes what no record speaks of: directories whose removal was interrupted, and the lock files of layers that were
   * unpacked more than a day before `now` (milliseconds since 1970).
   */
  async sweep(now: number): Promise<void> {
    for (const id of this.#records.abandoned()) await this.remove(id)
    for (const name of await readdir(this.#options.root)) {
      const [id = ''] = name.split('.')
      if (name.endsWith('.removing'))
        await rm(join(this.#options.root, name), { recursive: true, force: true })
      else if (/^[0-9]+$/.test(id) && !this.#records.exists(id)) await this.#removeFolder(id)
    }
    await this.#sweepLocks(now)
  }

  /** Should somebody wait for one that goes, the layer is unpacked twice at worst, and the first is answered to both. */
  async #sweepLocks(now: number): Promise<void> {
    const { locks } = this.#options
    for (const name of await readdir(locks)) {
      const path = join(locks, name)
      if (!name.startsWith('unpack-') || Number(statPath(path)?.mtimeMs ?? now) > now - lockAgeMs) continue
      using held = tryLock(path)
      if (held !== undefined) await rm(path, { force: true })
    }
  }

  async list(): Promise<readonly Layer[]> {
    return this.#records.list()
  }

  async #unpack(
    blob: PackedLayer,
    parents: LayerStack,
    chainId: Digest,
    signal: AbortSignal,
  ): Promise<Layer> {
    const { overlayPrefix, inUserNamespace } = this.#options
    if (!isLayerType(blob.mediaType)) {
      const why = `failed to get stream processor for ${blob.mediaType}: no processor for media-type`
      throw new SlipwayError('unimplemented', why, { hint: 'the image has something that is no layer' })
    }
    const { description = `unpacked ${blob.diffId}`, recordType = 'regular' } = blob
    await using active = await this.#begin(parents, { description, recordType })
    const { contentBytes } = await this.#options.jobs.run(
      'unpack',
      {
        path: blob.path,
        diffId: blob.diffId,
        upper: active.upper,
        lowers: parents.map(parent => this.directory(parent)),
        overlayPrefix,
        skipDevices: inUserNamespace,
      },
      { signal },
    )
    const counted = contentBytes === undefined ? {} : { size: contentBytes, contentBytes }
    return await active.seal({ chainId, diffId: blob.diffId, ...counted })
  }

  async #begin(parents: LayerStack, options: PrepareOptions): Promise<OverlayActiveLayer> {
    const id = this.#records.begin(parents, options, this.#options.owner)
    const folder = this.#folder(id)
    try {
      // A number that is new to the records belongs to nobody, even where the database was lost.
      if (statPath(folder) !== undefined) await this.#removeFolder(id)
      await mkdir(join(folder, 'work'), { recursive: true, mode: 0o700 })
      await mkdir(join(folder, 'fs'))
      await this.#rootAttributes(join(folder, 'fs'), parents)
    } catch (error) {
      this.#records.remove(id)
      throw wrapError('failed to create a layer', error)
    }
    return new OverlayActiveLayer(id, parents, folder, {
      seal: facts => this.#records.commit(id, facts),
      discard: () => this.remove(id),
    })
  }

  /**
   * The root of the upper directory is what a mount shows as root. It has the owner of the one below; its mode is always the
   * same, as with containerd: a step that unpacks an archive over `/` does not lock all later users out.
   */
  async #rootAttributes(upper: string, parents: LayerStack): Promise<void> {
    const below = parents.at(-1)
    const stat = below === undefined ? undefined : statPath(this.directory(below))
    if (below !== undefined && stat === undefined)
      throw new SlipwayError('not-found', `layer ${below}: not found`)
    if (stat !== undefined) await lchown(upper, Number(stat.uid), Number(stat.gid))
    await chmod(upper, 0o755)
  }

  #directories(layers: LayerStack): string[] {
    return layers.map(id => this.directory(id))
  }

  #folder(id: LayerId): string {
    if (!/^[0-9]+$/.test(id)) throw new SlipwayError('internal', `bad layer id ${id}`)
    return join(this.#options.root, id)
  }

  /** Renamed first, so that a crash halfway leaves nothing that looks like a layer. */
  async #removeFolder(id: LayerId): Promise<void> {
    const folder = this.#folder(id)
    const doomed = `${folder}.removing`
    await rename(folder, doomed).catch(() => {})
    await rm(doomed, { recursive: true, force: true })
  }
}

class OverlayActiveLayer implements ActiveLayer {
  readonly id: LayerId
  readonly parents: LayerStack
  readonly upper: string
  readonly work: string
  readonly #end: { readonly seal: (facts: Facts) => Layer; readonly discard: () => Promise<void> }
  #open = true

  constructor(
    id: LayerId,
    parents: LayerStack,
    folder: string,
    end: { readonly seal: (facts: Facts) => Layer; readonly discard: () => Promise<void> },
  ) {
    this.id = id
    this.parents = parents
    this.upper = join(folder, 'fs')
    this.work = join(folder, 'work')
    this.#end = end
  }

  async commit(): Promise<Layer> {
    return await this.seal({})
  }

  /** As `commit`, with what is known of the layer. Another process may have been faster: then its layer is answered. */
  async seal(facts: Facts): Promise<Layer> {
    if (!this.#open) throw new SlipwayError('internal', `layer ${this.id} is committed or closed already`)
    // Overlayfs leaves its own files in the work directory; nothing needs them once the layer is sealed.
    await rm(this.work, { recursive: true, force: true })
    const layer = this.#end.seal(facts)
    if (layer.id === this.id) this.#open = false
    return layer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#end.discard()
  }
}
