import { realpathSync } from 'node:fs'
import type { Platform } from '../../oci/descriptor.ts'
import type { ContainerSpec } from '../executor.ts'
import { findProgram } from '../runtime.ts'
import { findArchitecture } from './architectures.ts'

/** Where an emulator lies inside a container. Source: BuildKit v0.32.2 solver/llbsolver/ops/exec_binfmt.go. */
const emulatorPath = '/dev/.buildkit_qemu_emulator'

/** Path of `buildkit-qemu-<arch>`, an emulator that needs no handler; undefined where none is installed. */
export async function findEmulator(platform: Platform, searchPath: string): Promise<string | undefined> {
  const name = findArchitecture(platform.architecture)?.binary ?? `qemu-${platform.architecture}`
  const path = await findProgram(`buildkit-${name}`, searchPath)
  return path === undefined ? undefined : realpathSync(path)
}

/** The same container with its process run by an emulator that is mounted into it. */
export function withEmulator(container: ContainerSpec, path: string): ContainerSpec {
  const { process, mounts } = container
  return {
    ...container,
    mounts: [...mounts, { kind: 'file', path, target: emulatorPath, readonly: true }],
    process: { ...process, args: [emulatorPath, ...process.args] },
  }
}
