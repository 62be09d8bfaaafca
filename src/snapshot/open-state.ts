import { join } from 'node:path'
import { type Database, openDatabase } from '../content/database.ts'
import { type ImageNames, openImageNames } from '../content/image-names.ts'
import { createLayout, type LayoutStore } from '../content/layout-store.ts'
import { type Leases, openLeases } from '../content/lease.ts'
import { asSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { makeDirectories } from '../bytes/make-directories.ts'
import { bootId, processIdentity } from '../sys/process-identity.ts'
import { inUserNamespace } from '../sys/user-namespace.ts'
import { type JobRunner, WorkerPool } from '../sys/worker-pool.ts'
import type { SnapshotJobs } from './jobs.ts'
import { DiskLayerPacker } from './layer-packer.ts'
import { type LayerRecords, openLayerRecords } from './layer-records.ts'
import { OverlaySnapshotter } from './overlay-snapshotter.ts'
import type { OverlayPrefix } from './overlay-xattr.ts'
import { canMountOverlay } from './probe-overlay.ts'

/** How to open a state directory. */
export interface StateOptions {
  /** Threads for bulk work; absent, a pool of its own with `workers` threads (default 2). */
  readonly jobs?: JobRunner<SnapshotJobs>
  readonly workers?: number
  /** Layers are copies, also where overlays could be mounted. @default false */
  readonly native?: boolean
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: () => number
}

/** An open state directory: content, layers, names and records, shared with other processes. */
export interface State extends AsyncDisposable {
  readonly root: string
  readonly content: LayoutStore
  readonly snapshotter: OverlaySnapshotter
  readonly database: Database
  readonly images: ImageNames
  readonly leases: Leases
  readonly layers: LayerRecords
  readonly packer: DiskLayerPacker
  readonly jobs: JobRunner<SnapshotJobs>
  readonly overlayPrefix: OverlayPrefix
}

/**
 * Opens the state directory `root`, made where it is missing: `content/` (an OCI layout), `snapshots/`, `locks/` and
 * `slipway.db`. Removes what killed processes left. Throws `failed-precondition` on a read-only file system,
 * `permission-denied`, `data-loss` where the database is damaged.
 */
export async function openState(root: string, options: StateOptions = {}): Promise<State> {
  const snapshots = join(root, 'snapshots')
  const locks = join(root, 'locks')
  try {
    await makeDirectories(root, 0o711)
    await makeDirectories(snapshots, 0o711)
    await makeDirectories(locks, 0o700)
  } catch (error) {
    const hint = asSlipwayError(error).hint ?? 'choose another place with --root or SLIPWAY_ROOT'
    throw wrapError(`failed to create the state directory ${root}`, error, { hint })
  }
  await using opening = new AsyncDisposableStack()
  const content = await createLayout(join(root, 'content'), { keepYoung: true, removeDamaged: true })
  const database = opening.use(openDatabase(join(root, 'slipway.db')))
  const now = options.now ?? Date.now
  const layers = openLayerRecords(database, now)
  const rootless = inUserNamespace()
  const overlayPrefix = rootless ? 'user.overlay.' : 'trusted.overlay.'
  checkMaker(database, root, rootless)
  const entry = new URL('./worker.ts', import.meta.url)
  const jobs =
    options.jobs ?? opening.use(new WorkerPool<SnapshotJobs>({ entry, size: options.workers ?? 2 }))
  const owner = processIdentity() ?? { pid: process.pid, startTime: 0, bootId: bootId() }
  const snapshotter = new OverlaySnapshotter({
    root: snapshots,
    locks,
    records: layers,
    jobs,
    kind: options.native !== true && canMountOverlay(locks, rootless) ? 'overlay' : 'native',
    overlayPrefix,
    inUserNamespace: rootless,
    owner,
  })
  const packer = new DiskLayerPacker({
    records: layers,
    jobs,
    directory: id => snapshotter.directory(id),
    content,
  })
  const images = openImageNames(database, content.root)
  const leases = openLeases(database)
  await content.sweep()
  for (const id of layers.abandoned()) await snapshotter.remove(id)
  await snapshotter.checkAfterRestart(now())
  const opened = opening.move()
  return {
    root,
    content,
    snapshotter,
    database,
    images,
    leases,
    layers,
    packer,
    jobs,
    overlayPrefix,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Layers of root and of ordinary users mark whiteouts otherwise and have other owners: they cannot be shared. */
function checkMaker(database: Database, root: string, rootless: boolean): void {
  database.migrate('maker', ['CREATE TABLE maker (rootless INTEGER NOT NULL)'])
  const made = database.prepare('SELECT rootless FROM maker').get()?.['rootless']
  if (made === undefined) database.prepare('INSERT INTO maker VALUES (?)').run(Number(rootless))
  else if (Boolean(made) !== rootless) {
    const maker = rootless ? 'root' : 'an ordinary user'
    throw new SlipwayError('failed-precondition', `the state directory ${root} was made by ${maker}`, {
      hint: `run as ${rootless ? 'root' : 'that user'}, or use another one (--root or SLIPWAY_ROOT)`,
    })
  }
}
