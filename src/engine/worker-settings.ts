import type { DiskSpace, PruneRule } from '../content/prune-rule.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import { parsePlatform } from '../oci/platform.ts'
import { listOf, shortText, tableOf, textOf } from './config-value.ts'
import { gcRules } from './gc-policy.ts'

/** What `[worker.oci]` of the configuration says of the one worker there is. */
export interface WorkerSettings {
  /** Labels besides, or in place of, the worker's own. */
  readonly labels: Readonly<Record<string, string>>
  /** The platforms that clients are told of; undefined for those that this machine runs. */
  readonly platforms: readonly Platform[] | undefined
  /** Steps that run at the same time; undefined where nothing is said. */
  readonly maxParallelism: number | undefined
  /** Layers are copies rather than overlays. */
  readonly nativeSnapshots: boolean
  /** Name or path of the OCI runtime. */
  readonly runtime: string | undefined
  /** Parent control group of steps that name none. */
  readonly cgroupParent: string | undefined
  readonly apparmorProfile: string | undefined
  /** Rules by which the cache is kept small; empty where it is left alone. */
  readonly gc: (disk: DiskSpace) => readonly PruneRule[]
  /** Whether the configuration says anything of that. */
  readonly ownGc: boolean
}

/** Snapshotters of BuildKit; those that are not ours are taken for `auto`. */
const snapshotters = ['auto', 'overlayfs', 'native', 'fuse-overlayfs', 'stargz']

/**
 * Reads `[worker.oci]`. Throws `invalid-argument` in BuildKit's words. Form:
 * https://github.com/moby/buildkit/blob/v0.32.2/docs/buildkitd.toml.md
 */
export function workerSettings(
  document: Readonly<Record<string, unknown>>,
  hostPlatform: Platform,
): WorkerSettings {
  const worker = tableOf(tableOf(document['worker'])['oci'])
  const snapshotter = textOf(worker['snapshotter']) ?? 'auto'
  if (!snapshotters.includes(snapshotter)) {
    throw new SlipwayError('invalid-argument', `unknown snapshotter name: ${JSON.stringify(snapshotter)}`, {
      hint: 'use overlayfs, native or auto',
    })
  }
  const platforms = listOf(worker['platforms']).map(text => platformOf(shortText(text), hostPlatform))
  const parallelism = Number(worker['max-parallelism'] ?? 0)
  // What cannot be read is to be told now, not after the first build.
  gcRules(worker, { total: 0, free: 0 })
  return {
    labels: Object.fromEntries(
      Object.entries(tableOf(worker['labels'])).map(([key, value]) => [key, shortText(value)]),
    ),
    platforms: platforms.length === 0 ? undefined : platforms,
    maxParallelism: Number.isSafeInteger(parallelism) && parallelism > 0 ? parallelism : undefined,
    nativeSnapshots: snapshotter === 'native',
    runtime: textOf(worker['binary']),
    cgroupParent: textOf(worker['defaultCgroupParent']),
    apparmorProfile: textOf(worker['apparmor-profile']),
    gc: disk => gcRules(worker, disk),
    ownGc: Object.keys(worker).some(key =>
      /^(gc|gckeepstorage|gcpolicy|(reserved|maxUsed|minFree)Space)$/.test(key),
    ),
  }
}

function platformOf(text: string, hostPlatform: Platform): Platform {
  try {
    return parsePlatform(text, hostPlatform)
  } catch (e) {
    throw new SlipwayError('invalid-argument', `invalid platforms: ${(e as Error).message}`, { cause: e })
  }
}

/** Transfers from and to one registry at the same time, by `[system]`; undefined where nothing is said. Throws `invalid-argument`. */
export function registryConcurrency(document: Readonly<Record<string, unknown>>): number | undefined {
  const value = tableOf(document['system'])['maxRegistryConcurrency']
  if (value === undefined) return undefined
  if (Number.isSafeInteger(value) && Number(value) > 0) return Number(value)
  throw new SlipwayError(
    'invalid-argument',
    `maxRegistryConcurrency must be greater than zero; set to ${shortText(value)} in the configuration file`,
  )
}
