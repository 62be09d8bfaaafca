import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lock } from '../../src/sys/file-lock.ts'
import { outside } from './layer-cases.ts'

/** Files where hostile input would like to write. `state` tells everything about them; disposing removes them. */
export interface Canary extends Disposable {
  state(): readonly string[]
}

/**
 * Puts files at `outside`, and around a state directory that lies in `scratch`. There is one `outside`: the tests that have it
 * wait for each other.
 */
export async function placeCanary(scratch: string): Promise<Canary> {
  const held = await lock(`${outside}.lock`)
  const places = [outside, join(scratch, 'canary')]
  for (const place of places) {
    mkdirSync(join(place, 'dir'), { recursive: true })
    writeFileSync(join(place, 'file'), 'canary\n', { mode: 0o640 })
    writeFileSync(join(place, 'dir', 'file'), 'canary\n', { mode: 0o640 })
  }
  return {
    state: () => [...places.flatMap(describe), readdirSync(scratch).sort().join(' ')],
    [Symbol.dispose]: () => {
      for (const place of places) rmSync(place, { recursive: true, force: true })
      held[Symbol.dispose]()
    },
  }
}

function describe(path: string): string[] {
  const { mode, uid, gid, nlink, ino, mtimeMs } = lstatSync(path)
  const isDirectory = (mode & 0o170000) === 0o040000
  const content = isDirectory ? '' : readFileSync(path, 'utf8')
  const children = isDirectory ? readdirSync(path).sort() : []
  return [
    [path, mode, uid, gid, nlink, ino, mtimeMs, content].join(' '),
    ...children.flatMap(name => describe(join(path, name))),
  ]
}
