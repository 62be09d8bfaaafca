import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../sys/spawn.ts'
import { findProgram } from '../runtime.ts'
import type { EmulatedArchitecture } from './architectures.ts'
import { needsLoader } from './elf-file.ts'

/** Where to look for emulators. */
export interface BinarySearch {
  /** Directory of binaries named like `prefix` + `qemu-aarch64` (QEMU_BINARY_PATH). @default /usr/bin */
  readonly directory?: string | undefined
  /** Put in front of the name (QEMU_BINARY_PREFIX). */
  readonly prefix?: string | undefined
  /** Gets a static emulator from elsewhere, for example out of an image; undefined where there is none. */
  readonly provideBinary?: ((arch: string, signal?: AbortSignal) => Promise<string | undefined>) | undefined
}

/** Path of a static emulator: Debian's `qemu-<a>-static`, then `qemu-<a>` where it is static, then what is provided. */
export async function findQemu(
  architecture: EmulatedArchitecture,
  search: BinarySearch,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { directory = '/usr/bin', prefix = '' } = search
  for (const name of [`${architecture.binary}-static`, architecture.binary]) {
    const path = await findProgram(join(directory, prefix + name), '')
    if (path !== undefined && isStatic(path)) return path
  }
  return await search.provideBinary?.(architecture.arch, signal)
}

/** Programs that are no ELF files (a script, say) are the user's own business. */
function isStatic(path: string): boolean {
  const fd = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(4096)
    return needsLoader(buffer.subarray(0, readSync(fd, buffer))) !== true
  } finally {
    closeSync(fd)
  }
}

/** `7.2.0` of an emulator that says `qemu-aarch64 version 7.2.0 (…)`; undefined where it says nothing of the kind. */
export async function qemuVersion(path: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { success: [0, 1], signal })
    return /version (\d+\.\d+(?:\.\d+)?)/.exec(stdout.toString('utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** QEMU before 6.0 takes argv[0] for the program's first argument when the kernel hands it over (flag P). */
export function understandsArgv0(version: string | undefined): boolean {
  return version === undefined || Number(version.split('.')[0]) >= 6
}
