import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { run } from '../sys/spawn.ts'
import type { HostFeatures } from './features.ts'

/** An OCI runtime program. */
export interface Runtime {
  readonly path: string
  readonly name: 'runc' | 'crun'
  /** `run --keep`: the control group outlives the container, so that it can be asked for the cause of death. */
  readonly keeps: boolean
}

/** Programs looked for, in this order. */
const candidates = ['buildkit-runc', 'runc', 'crun']

/** Where system programs are, whatever the caller's PATH says. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Finds the runtime: the program at `binary` (a path or a name), else runc, else crun. Throws `failed-precondition`
 * where there is none.
 */
export async function findRuntime(options: {
  readonly searchPath: string
  readonly binary?: string | undefined
}): Promise<Runtime> {
  const wanted = options.binary === undefined ? candidates : [options.binary]
  for (const name of wanted) {
    const path = await findProgram(name, options.searchPath)
    if (path === undefined) continue
    const kind = basename(path).includes('crun') ? 'crun' : 'runc'
    return { path, name: kind, keeps: kind === 'runc' && (await runcKeeps(path)) }
  }
  throw new SlipwayError('failed-precondition', 'no OCI runtime found: neither runc nor crun is installed', {
    hint: 'install runc (apt-get install runc) or crun, or build with another builder (slipway create)',
  })
}

/** Path of an executable in a list of directories such as $PATH; a name with a slash is a path already. */
export async function findProgram(name: string, searchPath: string): Promise<string | undefined> {
  const places = name.includes('/') ? [name] : searchPath.split(':').map(directory => join(directory, name))
  for (const place of places) {
    try {
      await access(place, constants.X_OK)
      return place
    } catch {
      // Looked for in the next place.
    }
  }
  return undefined
}

/** `--keep` came with runc 1.1. */
async function runcKeeps(path: string): Promise<boolean> {
  const { stdout } = await run(path, ['--version'], { success: [0, 1] })
  const found = /^runc version (\d+)\.(\d+)/m.exec(stdout.toString('utf8'))
  if (found === null) return false
  const [major, minor] = [Number(found[1]), Number(found[2])]
  return major > 1 || (major === 1 && minor >= 1)
}

/**
 * The runtime with the options that come before its command. State and log lie in the sandbox's private directory. Throws
 * `failed-precondition` where runc is to run and no control groups are mounted: it cannot do without.
 */
export function runtimeCommand(runtime: Runtime, directory: string, features: HostFeatures): string[] {
  const places = ['--root', `${directory}/runtime`, '--log', `${directory}/log`, '--log-format', 'json']
  if (features.cgroups.writable || features.machine.rootless) return [runtime.path, ...places]
  if (features.cgroups.hierarchies.length === 0 && runtime.name !== 'crun') {
    throw new SlipwayError(
      'failed-precondition',
      `${runtime.name} failed: no cgroup mount found in mountinfo`,
      {
        hint: 'mount the control groups (`mount -t cgroup2 none /sys/fs/cgroup`), or install crun, which runs without',
      },
    )
  }
  // Root in a container whose control groups are read-only: go without.
  const without = runtime.name === 'crun' ? '--cgroup-manager=disabled' : '--rootless=true'
  return [runtime.path, without, ...places]
}
