import { createHash } from 'node:crypto'
import { chmodSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fsPath } from '../../bytes/path-string.ts'
import { fetchLocalDir } from '../../session/callers/fetch-local-dir.ts'
import { listNames } from '../../snapshot/list-names.ts'
import type { LayerId, Snapshotter } from '../../snapshot/snapshotter.ts'
import { tryLock } from '../../sys/file-lock.ts'
import { setTimes } from '../../sys/times.ts'
import { compilePatterns } from '../../gostd/pattern-matcher.ts'
import type { LocalCopies, LocalRequest } from './local-copies.ts'

/** What is to be known of copies elsewhere. */
export interface CopyNotes {
  /** The copy in `folder` was brought up to date. */
  readonly used: (folder: string, description: string) => void
  /** A layer that no later build will find: good until the builds that run now have ended. */
  readonly transient: (id: LayerId) => void
}

/**
 * Copies of clients' directories below `root`, one for each project (shared key and name). A copy is locked while it is
 * brought up to date; what a build gets is a layer of hard links to it, so that the next build can change the copy
 * meanwhile. A project whose builds run at the same time has several. Clients without a shared key (buildctl) have one copy
 * of each of the usual names in common, where files that only look the same are not taken for the same; who finds it in
 * use, and what has another name, does without. Who asks for a comparison by attributes gets it for any name.
 */
export function createDiskLocalCopies(
  root: string,
  snapshotter: Snapshotter,
  options: CopyNotes,
): LocalCopies {
  return {
    async fetch(session, request, ctx) {
      const { name, filter } = request
      const isAnonymous = session.sharedKey === ''
      const { contentOnly, differ } = request
      const identity = JSON.stringify([session.sharedKey, name, request.sharedKeyHint, contentOnly])
      const key = createHash('sha256').update(identity).digest('hex').slice(0, 32)
      using slot = takeSlot(join(root, key), JSON.stringify(filter), mostSlots(isAnonymous, request))
      const description = `local source for ${name}`
      await using active = await snapshotter.prepare([], { description, recordType: 'internal' })
      const dest = slot?.copy ?? active.upper
      await fetchLocalDir(session, {
        name,
        dest,
        ...filter,
        differ: differ ?? (isAnonymous ? 'fine-times' : 'metadata'),
        ...(contentOnly === undefined ? {} : { wanted: matcherOf(contentOnly) }),
        onProgress: (bytes, done) =>
          ctx.progress.status(`transferring ${name}:`, { current: bytes, completed: done }),
        signal: ctx.signal,
      })
      if (slot !== undefined) {
        options.used(slot.folder, description)
        linkTree(slot.copy, active.upper)
      }
      const layer = await active.commit()
      options.transient(layer.id)
      return { kind: 'stack', layers: [{ kind: 'layer', id: layer.id }] }
    },
  }
}

/** Names that clients give to the context of a build and to the directory of its Dockerfile. */
const usualNames: readonly string[] = ['context', 'dockerfile']

const mostSlots = (isAnonymous: boolean, { name, differ }: LocalRequest): number =>
  isAnonymous ? (usualNames.includes(name) || differ === 'metadata' ? 1 : 0) : Infinity

function matcherOf(patterns: readonly string[]): (path: string) => boolean {
  if (patterns.length === 0) return () => false
  const matcher = compilePatterns(patterns)
  return path => matcher.matches(path)
}

/** A copy that is ours alone until it is disposed of. */
interface Slot extends Disposable {
  readonly folder: string
  readonly copy: string
}

/**
 * Of the copies of a project that nobody is changing now, one that has the wanted part of the directory already, else the
 * first; a new one where there is none. Undefined where that would be more than `most`.
 */
function takeSlot(project: string, filter: string, most: number): Slot | undefined {
  if (most === 0) return undefined
  mkdirSync(project, { recursive: true, mode: 0o700 })
  const wanted = createHash('sha256').update(filter).digest('hex')
  const filterFile = (slot: string): string => join(project, slot, 'filter')
  const known = readdirSync(project).filter(name => /^\d+$/.test(name))
  const has = (slot: string): boolean => {
    try {
      return readFileSync(filterFile(slot), 'utf8') === wanted
    } catch {
      return false
    }
  }
  const numbers = known.map(Number).sort((a, b) => a - b)
  const tried = [...numbers.filter(n => has(String(n))), ...numbers.filter(n => !has(String(n)))]
  for (let next = 0; ; next++) {
    const n = tried.shift() ?? next
    if (n >= most) return undefined
    const held = tryLock(join(project, `${n}.lock`))
    if (held === undefined) continue
    const folder = join(project, String(n))
    const copy = join(folder, 'fs')
    mkdirSync(copy, { recursive: true, mode: 0o755 })
    writeFileSync(filterFile(String(n)), wanted)
    return { folder, copy, [Symbol.dispose]: () => held[Symbol.dispose]() }
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
