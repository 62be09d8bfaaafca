import type { Platform } from './descriptor.ts'

/** What a machine says about itself; read by the caller (process.arch, os.endianness(), /proc/cpuinfo, uname -m). */
export interface MachineFacts {
  /** Node's `process.arch`. */
  readonly arch: string
  readonly endianness: 'BE' | 'LE'
  /** Text of /proc/cpuinfo; only looked at on arm. */
  readonly cpuinfo?: string
  /** `uname -m`; only looked at on arm, where cpuinfo says nothing. */
  readonly machine?: string
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', mipsel: 'mipsle' }

/**
 * The platform of a Linux machine in Go's words, with the CPU variant on arm and arm64 (not normalised: arm64 says
 * `v8`). Source: github.com/containerd/platforms cpuinfo_linux.go at v1.0.0-rc.4.
 */
export function platformOfMachine(facts: MachineFacts): Platform {
  const le = facts.endianness === 'LE'
  const architecture =
    facts.arch === 'ppc64' ? (le ? 'ppc64le' : 'ppc64') : (architectures[facts.arch] ?? facts.arch)
  if (architecture !== 'arm' && architecture !== 'arm64') return { architecture, os: 'linux' }
  return { architecture, os: 'linux', variant: armVariant(architecture, facts) }
}

function armVariant(architecture: string, facts: MachineFacts): string {
  const field = (name: string): string | undefined =>
    new RegExp(`^\\s*${name}\\s*:\\s*(.*?)\\s*$`, 'im').exec(facts.cpuinfo ?? '')?.[1]?.toLowerCase()
  const level = field('cpu architecture') ?? levelOfMachine(facts.machine ?? facts.arch)
  // Raspberry Pi with ARMv6 says "CPU architecture: 7"; its model name tells the truth.
  if (architecture === 'arm' && level === '7' && field('model name')?.startsWith('armv6-compatible'))
    return 'v6'
  if (level === 'aarch64') return 'v8'
  if (/^\?\(1[2-7]\)$/.test(level) || level === '7m') return 'v7'
  const digit = /^([3-8])(?:|t|te|tej)$/.exec(level)?.[1]
  return digit === undefined ? 'unknown' : `v${digit}`
}

function levelOfMachine(machine: string): string {
  if (machine === 'aarch64' || machine === 'arm64') return '8'
  return /^armv([3-8])/.exec(machine)?.[1] ?? 'unknown'
}
