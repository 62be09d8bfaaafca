import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run, tryRun } from '../../scripts/setup/run.ts'

/** Copies a program of this machine into a root file system, with the libraries it is linked with. */
export async function addProgram(rootfs: string, from: string, to: string): Promise<void> {
  await copyInto(rootfs, from, to)
  const { stdout } = await tryRun(['ldd', from])
  for (const [, library = ''] of stdout.matchAll(/(?:=>\s*)?(\/\S+)\s+\(0x/g))
    await copyInto(rootfs, library, library)
}

async function copyInto(rootfs: string, from: string, to: string): Promise<void> {
  const path = join(rootfs, to)
  await mkdir(dirname(path), { recursive: true })
  await run(['cp', '--dereference', from, path])
}
