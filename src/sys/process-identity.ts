import { readFileSync } from 'node:fs'

/** A process that no other can be mistaken for: numbers are reused, number and start time are not. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks since boot, from field 22 of /proc/<pid>/stat; 0 where it is unknown. */
  readonly startTime: number
  /** Kernel's random id of this boot. */
  readonly bootId: string
}

/** Identity of the process with number `pid` (default: this one), or undefined where there is none. */
export function processIdentity(pid: number = process.pid): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid)
  return startTime === undefined ? undefined : { pid, startTime, bootId: bootId() }
}

/** Tells whether this very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identity.bootId === bootId() && startTimeOf(identity.pid) === identity.startTime
}

/** Id of the running boot; empty where the kernel does not tell. */
export function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
}

/** Source: proc_pid_stat(5). The command name in parentheses may hold anything, so the fields count from the last `)`. */
function startTimeOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19] ?? 0)
}

/** Sync on purpose: a few bytes that the kernel makes up, no disk. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
