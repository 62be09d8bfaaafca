/**
 * The parts of an OCI runtime bundle's `config.json` that we write.
 * Source: https://github.com/opencontainers/runtime-spec/blob/v1.0.2/config.md and config-linux.md.
 */
export interface RuntimeSpec {
  ociVersion: string
  process: RuntimeProcess
  root: { path: string; readonly: boolean }
  hostname: string
  mounts: RuntimeMount[]
  hooks?: Partial<Record<HookName, RuntimeHook[]>>
  linux: LinuxSpec
}

/** One process, in `config.json` or in the file given to `exec`. */
export interface RuntimeProcess {
  terminal: boolean
  consoleSize?: { height: number; width: number }
  user: { uid: number; gid: number; additionalGids: number[] }
  args: string[]
  env: string[]
  cwd: string
  capabilities: Capabilities
  rlimits?: Rlimit[]
  noNewPrivileges: boolean
  apparmorProfile?: string
}

/** Names such as `CAP_CHOWN`. */
export interface Capabilities {
  bounding: string[]
  effective: string[]
  permitted: string[]
  inheritable?: string[]
  ambient?: string[]
}

/** A resource limit; `type` is `RLIMIT_NOFILE` and so on. `-1` from a user means no limit. */
export interface Rlimit {
  type: string
  hard: number | bigint
  soft: number | bigint
}

/** One mount, made in the order of the list. */
export interface RuntimeMount {
  destination: string
  type?: string
  source?: string
  options?: string[]
}

/** When a hook runs. */
export const hookNames = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const

/** One of `hookNames`. */
export type HookName = (typeof hookNames)[number]

/** A program that the runtime starts. */
export interface RuntimeHook {
  path: string
  args?: string[]
  env?: string[]
  timeout?: number
}

/** Linux part of the file. */
export interface LinuxSpec {
  maskedPaths: string[]
  readonlyPaths: string[]
  cgroupsPath?: string
  resources?: LinuxResources
  namespaces: { type: NamespaceType; path?: string }[]
  devices?: LinuxDevice[]
  seccomp?: SeccompSpec
  intelRdt?: Record<string, unknown>
  netDevices?: Record<string, { name: string }>
}

/** Kinds of namespaces as the file spells them. */
export type NamespaceType = 'pid' | 'ipc' | 'uts' | 'mount' | 'network' | 'cgroup'

/** Limits by control group. */
export interface LinuxResources {
  devices?: DeviceRule[]
  memory?: { limit?: number; swap?: number }
  cpu?: { shares?: number; quota?: number; period?: number; cpus?: string; mems?: string }
}

/** A rule of the devices control group. */
export interface DeviceRule {
  allow: boolean
  type?: string
  major?: number
  minor?: number
  access?: string
}

/** A device node to create. `type`: `c`, `b`, `u` or `p`. */
export interface LinuxDevice {
  path: string
  type: string
  major: number
  minor: number
  fileMode?: number
  uid?: number
  gid?: number
}

/** A system call filter. Source: config-linux.md, "Seccomp". */
export interface SeccompSpec {
  defaultAction: string
  defaultErrnoRet?: number
  architectures?: string[]
  syscalls: SeccompRule[]
}

/** What happens with some system calls. */
export interface SeccompRule {
  names: string[]
  action: string
  errnoRet?: number
  args?: SeccompArgument[]
}

/** A condition on an argument; `index` counts from 0. */
export interface SeccompArgument {
  index: number
  value: number
  valueTwo?: number
  op: string
}
