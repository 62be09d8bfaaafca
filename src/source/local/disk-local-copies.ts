import { createHash } from 'node:crypto'
import { chmodSync, linkSync, lstatSync, mkdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fsPath } from '../../bytes/path-string.ts'
import { fetchLocalDir } from '../../session/callers/fetch-local-dir.ts'
import { listNames } from '../../snapshot/list-names.ts'
import type { LayerId, Snapshotter } from '../../snapshot/snapshotter.ts'
import { type FileLock, tryLock } from '../../sys/file-lock.ts'
import { setTimes } from '../../sys/times.ts'
import type { LocalCopies } from './local-copies.ts'

/** What is to be known of copies elsewhere. */
export interface CopyNotes {
  /** The copy in `folder` was brought up to date. */
  readonly used: (folder: string, description: string) => void
  /** A layer that no later build will find: good until the builds that run now have ended. */
  readonly transient: (id: LayerId) => void
}

/**
 * Copies of clients' directories below `root`, one for each project (shared key and name), whatever part of it a build
 * wants: an edited COPY must not mean that all is sent again. Clients without a shared key
 * have their copies in common, where files that only look the same are not taken for the same. While a copy is brought up
 * to date it is locked; what a build gets is a layer of hard links to it, so that the next build can change the copy meanwhile.
 */
export function createDiskLocalCopies(
  root: string,
  snapshotter: Snapshotter,
  options: CopyNotes,
): LocalCopies {
  return {
    async fetch(session, request, ctx) {
      const identity = JSON.stringify([session.sharedKey, request.name, request.sharedKeyHint])
      const key = createHash('sha256').update(identity).digest('hex').slice(0, 32)
      await mkdir(root, { recursive: true, mode: 0o700 })
      const { slot, held } = freeSlot(join(root, key))
      using _held = held
      const dest = join(slot, 'fs')
      await mkdir(dest, { recursive: true, mode: 0o755 })
      const id = `transferring ${request.name}:`
      await fetchLocalDir(session, {
        name: request.name,
        dest,
        ...request.filter,
        differ: request.differ === 'none' ? 'none' : session.sharedKey === '' ? 'fine-times' : 'metadata',
        onProgress: (bytes, done) => ctx.progress.status(id, { current: bytes, completed: done }),
        signal: ctx.signal,
      })
      options.used(slot, `local source for ${request.name}`)
      await using active = await snapshotter.prepare([], {
        description: `local source for ${request.name}`,
        recordType: 'internal',
      })
      linkTree(dest, active.upper)
      const layer = await active.commit()
      options.transient(layer.id)
      return { kind: 'stack', layers: [{ kind: 'layer', id: layer.id }] }
    },
  }
}

/** The first copy of a project that nobody is changing now. */
function freeSlot(folder: string): { slot: string; held: FileLock } {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (let i = 0; ; i++) {
    const held = tryLock(join(folder, `${i}.lock`))
    if (held) return { slot: join(folder, String(i)), held }
  }
}

function linkTree(from: string, to: string): void {
  const stat = lstatSync(fsPath(from), { bigint: true })
  for (const { name, isDirectory } of listNames(from)) {
    const source = `${from}/${name}`
    const target = `${to}/${name}`
    if (!isDirectory) {
      linkSync(fsPath(source), fsPath(target))
      continue
    }
    mkdirSync(fsPath(target))
    linkTree(source, target)
  }
  chmodSync(fsPath(to), Number(stat.mode & 0o7777n))
  setTimes(to, stat.atimeNs, stat.mtimeNs)
}
