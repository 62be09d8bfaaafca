import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../scripts/setup/run.ts'

/** A folder of a test's own; disposing removes it with everything in it. */
export interface Scratch extends AsyncDisposable {
  readonly dir: string
  /** A path inside the folder. */
  path(...parts: string[]): string
}

/** Makes a scratch folder with a short name (paths of unix sockets end at 108 bytes). */
export async function makeScratch(): Promise<Scratch> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-t-'))
  return {
    dir,
    path: (...parts) => join(dir, ...parts),
    // Not fs.rm: trees with names that are not UTF-8 and folders without permissions come up here.
    [Symbol.asyncDispose]: async () => {
      await run(['sh', '-c', 'rm -rf "$1" 2>/dev/null || { chmod -R u+rwX "$1"; rm -rf "$1"; }', 'sh', dir])
    },
  }
}
