import { readdirSync, readFileSync } from 'node:fs'
import { endianness, release } from 'node:os'
import { platformOfMachine } from '../oci/host-platform.ts'
import { inUserNamespace } from '../sys/user-namespace.ts'
import { type Cgroups, detectCgroups } from './cgroup.ts'
import { hasVolatileOverlay, type OverlayFeatures } from './root/overlay-options.ts'
import { heldCapabilities } from './spec/capabilities.ts'
import type { MachineFeatures } from './spec/generate-spec.ts'

/** What this machine offers to containers. */
export interface HostFeatures {
  readonly machine: MachineFeatures
  readonly cgroups: Cgroups
  readonly overlay: OverlayFeatures
}

/** Reads all of it from /proc and /sys: a few small files that the kernel makes up. */
export function detectFeatures(): HostFeatures {
  const status = read('/proc/self/status')
  const rootless = inUserNamespace()
  const cgroups = detectCgroups(read('/proc/self/mountinfo'))
  return {
    machine: {
      arch: platformOfMachine({ arch: process.arch, endianness: endianness() }).architecture,
      kernel: release(),
      rootless,
      seccomp: /^Seccomp:/m.test(status),
      cgroupNamespace: cgroups.unified,
      capabilities: heldCapabilities(status),
      loopDevices: loopDevices(),
    },
    cgroups,
    overlay: {
      userXattr: rootless,
      parameters: new Set(list('/sys/module/overlay/parameters')),
      volatile: hasVolatileOverlay(release()),
    },
  }
}

function loopDevices(): number {
  const numbers = list('/dev').flatMap(name => /^loop(\d+)$/.exec(name)?.[1] ?? [])
  return Math.max(0, ...numbers.map(number => Number(number) + 1))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
