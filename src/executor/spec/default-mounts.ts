import type { RuntimeMount } from './runtime-spec.ts'

/** Bytes of /dev/shm when nothing else is asked for. */
export const defaultShmSize = 64 << 20

const shmOptions = ['nosuid', 'noexec', 'nodev', 'mode=1777']

/** With a size of its own it is a mount like any other of a step: programs may run from it, as with BuildKit. */
const sizedShmOptions = ['nosuid', 'mode=1777']

/**
 * Where a root that has no such directories keeps them: with BuildKit the runtime makes them and nobody takes them away,
 * so that the first step on an empty image leaves them in its layer.
 */
export const stayingMountPoints: ReadonlySet<string> = new Set(['/proc', '/dev', '/sys'])

/**
 * The file systems that every container gets, in mounting order. There is no /run: images fill theirs.
 * Source: containerd v2.1 pkg/oci/mounts.go and BuildKit v0.32.2 executor/oci/spec_linux.go, `generateMountOpts`.
 */
export function defaultMounts(options: {
  readonly shmSize?: number | undefined
  /** Container may write to /sys and to its control groups. */
  readonly writableSys: boolean
}): RuntimeMount[] {
  const { shmSize, writableSys } = options
  const access = writableSys ? 'rw' : 'ro'
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options:
        shmSize === undefined
          ? [...shmOptions, shmSizeOption(defaultShmSize)]
          : [...sizedShmOptions, shmSizeOption(shmSize)],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', access] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [access, 'nosuid', 'noexec', 'nodev'],
    },
  ]
}

function shmSizeOption(bytes: number): string {
  return bytes % 1024 === 0 ? `size=${bytes / 1024}k` : `size=${bytes}`
}

/** Paths of /proc and /sys that a sandboxed container cannot see. Source: containerd v2.1 pkg/oci/spec.go. */
export const maskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
  '/proc/scsi',
]

/** Paths of /proc that a sandboxed container cannot write to. Source: as above. */
export const readonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
]
