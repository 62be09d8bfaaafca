import type { ContainerSpec, ProcessSpec } from '../executor.ts'
import { resourcesOf, rlimitsOf } from './limits.ts'
import { defaultCapabilities } from './capabilities.ts'
import { defaultMounts, maskedPaths, readonlyPaths } from './default-mounts.ts'
import { defaultHostname } from './hosts-file.ts'
import { insecureDevices } from './insecure-devices.ts'
import type {
  Capabilities,
  LinuxSpec,
  NamespaceType,
  RuntimeMount,
  RuntimeProcess,
  RuntimeSpec,
} from './runtime-spec.ts'
import { defaultSeccomp } from './seccomp.ts'

/** What the machine and the runtime allow. */
export interface MachineFeatures {
  /** Go's name of the architecture. */
  readonly arch: string
  /** `uname -r` */
  readonly kernel: string
  /** Runs inside a user namespace: no control groups, no device nodes, /sys is the host's. */
  readonly rootless: boolean
  /** The kernel filters system calls. */
  readonly seccomp: boolean
  /** Control groups version 2 alone: containers get a namespace of their own for them. */
  readonly cgroupNamespace: boolean
  /** What this process may do, for containers without a sandbox. */
  readonly capabilities: readonly string[]
  /** Numbers of /dev/loop devices in use begin at 0 and end before this one. */
  readonly loopDevices: number
}

/** How a container is connected: `host` shares ours, `private` has only a loopback interface. */
export type NetworkSetting = 'host' | 'private'

/** What `generateSpec` needs besides the container. Paths are those of the mount namespace the runtime runs in. */
export interface SpecOptions {
  readonly features: MachineFeatures
  readonly network: NetworkSetting
  readonly rootfs: string
  readonly hostsFile: string
  readonly resolvConf: string
  /** Undefined: no control group is set up. */
  readonly cgroupsPath?: string | undefined
  readonly apparmorProfile?: string | undefined
  readonly terminal?: { readonly rows: number; readonly columns: number } | undefined
}

/**
 * The runtime configuration of a container with the standard mounts only; the container's own come later (`addMounts`).
 * Defaults are BuildKit's. Source: BuildKit v0.32.2 executor/oci/spec.go and spec_linux.go.
 */
export function generateSpec(container: ContainerSpec, options: SpecOptions): RuntimeSpec {
  const { features } = options
  const insecure = container.security === 'insecure'
  const rlimits = rlimitsOf(container.ulimits)
  return {
    ociVersion: '1.0.2',
    process: {
      ...processSpec(container.process, capabilitiesOf(insecure, features), options.terminal),
      ...(rlimits.length === 0 ? {} : { rlimits }),
      ...(insecure || !options.apparmorProfile ? {} : { apparmorProfile: options.apparmorProfile }),
    },
    root: { path: options.rootfs, readonly: container.readonlyRoot },
    hostname: container.hostname || defaultHostname,
    mounts: [
      ...standardMounts(container, insecure, options),
      readonlyFile(options.resolvConf, '/etc/resolv.conf'),
      readonlyFile(options.hostsFile, '/etc/hosts'),
    ],
    linux: linuxSpec(container, insecure, options),
  }
}

/** A process of a container as the runtime wants it. */
export function processSpec(
  process: ProcessSpec,
  capabilities: Capabilities,
  terminal?: { readonly rows: number; readonly columns: number },
): RuntimeProcess {
  const { uid, gid, groups } = process.user
  return {
    terminal: terminal !== undefined,
    ...(terminal === undefined ? {} : { consoleSize: { height: terminal.rows, width: terminal.columns } }),
    user: { uid, gid, additionalGids: groups.includes(gid) ? [...groups] : [gid, ...groups] },
    args: [...process.args],
    env: [...process.env],
    cwd: process.cwd,
    capabilities,
    noNewPrivileges: false,
  }
}

/** Capability sets of a sandboxed container, or of one that gets all we have. */
export function capabilitiesOf(insecure: boolean, features: MachineFeatures): Capabilities {
  const names = insecure
    ? [...new Set([...defaultCapabilities, ...features.capabilities])]
    : [...defaultCapabilities]
  const sets = { bounding: names, effective: names, permitted: names }
  return insecure ? { ...sets, inheritable: names, ambient: names } : sets
}

function linuxSpec(container: ContainerSpec, insecure: boolean, options: SpecOptions): LinuxSpec {
  const { features, network } = options
  const capabilities = capabilitiesOf(insecure, features).bounding
  const unshared: NamespaceType[] = ['pid', 'ipc', 'uts', 'mount']
  return {
    maskedPaths: insecure ? [] : [...maskedPaths],
    readonlyPaths: insecure ? [] : [...readonlyPaths],
    ...(features.rootless || options.cgroupsPath === undefined
      ? {}
      : { cgroupsPath: options.cgroupsPath, resources: resourcesOf(container.resources, insecure) }),
    namespaces: [
      ...unshared.map(type => ({ type })),
      ...(network === 'host' ? [] : [{ type: 'network' as const }]),
      ...(features.cgroupNamespace ? [{ type: 'cgroup' as const }] : []),
    ],
    ...(insecure && !features.rootless ? { devices: insecureDevices(features.loopDevices) } : {}),
    ...(insecure || !features.seccomp
      ? {}
      : { seccomp: defaultSeccomp({ arch: features.arch, kernel: features.kernel, capabilities }) }),
  }
}

/**
 * In a user namespace a new sysfs belongs to a network namespace of our own only; a container on the host's network gets
 * the host's /sys, all of it read-only.
 */
function standardMounts(container: ContainerSpec, insecure: boolean, options: SpecOptions): RuntimeMount[] {
  const mounts = defaultMounts({ shmSize: container.shmSize, writableSys: insecure })
  if (!options.features.rootless) return mounts
  const rest = mounts.filter(mount => !mount.destination.startsWith('/sys'))
  const sys = ['rbind', 'nosuid', 'noexec', 'nodev', 'rro']
  return [...rest, { destination: '/sys', type: 'bind', source: '/sys', options: sys }]
}

function readonlyFile(source: string, destination: string): RuntimeMount {
  return { destination, type: 'bind', source, options: ['nosuid', 'noexec', 'nodev', 'rbind', 'ro'] }
}

/**
 * Adds mounts to a specification, parents before children. A mount on a standard one's place takes its place; of two on
 * one place the later counts.
 */
export function addMounts(spec: RuntimeSpec, mounts: readonly RuntimeMount[]): void {
  const sorted = [...mounts].sort((a, b) =>
    a.destination < b.destination ? -1 : a.destination > b.destination ? 1 : 0,
  )
  const byDestination = new Map<string, RuntimeMount>()
  for (const mount of [...spec.mounts, ...sorted]) byDestination.set(mount.destination, mount)
  spec.mounts = [...byDestination.values()]
}
