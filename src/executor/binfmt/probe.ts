import { spawnSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errnoOf } from '../../sys/errno-error.ts'
import { bootId, isAlive, processIdentity } from '../../sys/process-identity.ts'
import { findArchitecture } from './architectures.ts'
import { elfFile } from './elf-file.ts'

/**
 * Machine code of tiny programs. `386` and `arm` exit with 0; `amd64` exits with 66 where the CPU has the features of
 * level v2 (cpuid leaf 1: SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; leaf 0x80000001: LAHF), else with 65.
 */
const programs: Readonly<Record<string, string>> = {
  '386': '31db 8d4301 cd80',
  arm: '0000a0e3 0170a0e3 000000ef',
  amd64:
    '31c0 0fa2 bf41000000 b801000000 31c9 0fa2 81e101229800 81f901229800 750e b801000080 0fa2 f6c101 7402 ffc7 ' +
    'b83c000000 0f05',
}

/** The temporary directory may be mounted without the right to run programs. */
const places = [tmpdir(), '/dev/shm', '/var/tmp']

/**
 * Runs the tiny program of an architecture and answers its exit code; undefined where the kernel does not run it. Sync on
 * purpose: about two milliseconds, once per process, on the way to an answer that callers need at once.
 */
export function probe(arch: string): number | undefined {
  const architecture = findArchitecture(arch)
  const code = programs[arch]
  if (architecture === undefined || code === undefined) return undefined
  const file = elfFile(architecture, Buffer.from(code.replaceAll(' ', ''), 'hex'))
  for (const place of places) {
    const answer = runIn(place, file)
    if (answer !== 'not allowed') return answer
  }
  return undefined
}

function runIn(place: string, file: Uint8Array): number | undefined | 'not allowed' {
  let directory: string
  try {
    removeAbandonedProbes(place, Date.now())
    const { pid, startTime } = processIdentity() ?? { pid: process.pid, startTime: 0 }
    directory = mkdtempSync(join(place, `slipway-probe-${pid}-${startTime}-`))
  } catch {
    return 'not allowed'
  }
  try {
    const path = join(directory, 'program')
    writeFileSync(path, file, { mode: 0o700 })
    const { status, error } = spawnSync(path, [], { stdio: 'ignore', timeout: 5000 })
    if (errnoOf(error) === 'EACCES') return 'not allowed'
    return error === undefined && status !== null ? status : undefined
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Longer than any probe takes (ms): a process of another pid namespace cannot be seen here, but may share the folder. */
const leftAfterMs = 10_000

/**
 * Removes what killed processes of this user left in `place`, which anybody may write to: only the one file that a probe
 * makes and its directory, nothing below. `now` in milliseconds since 1970.
 */
export function removeAbandonedProbes(place: string, now: number): void {
  for (const name of readdirSync(place)) {
    const [, pid, startTime] = /^slipway-probe-(\d+)-(\d+)-/.exec(name) ?? []
    if (pid === undefined || isAlive({ pid: Number(pid), startTime: Number(startTime), bootId: bootId() }))
      continue
    const directory = join(place, name)
    try {
      const { uid, mtimeMs } = lstatSync(directory)
      if (uid !== process.geteuid?.() || now - mtimeMs < leftAfterMs) continue
      rmSync(join(directory, 'program'), { force: true })
      rmdirSync(directory)
    } catch {
      // Another process was first, or it holds something else: it is left.
    }
  }
}
