import { type BigIntStats, constants, openSync } from 'node:fs'
import { compareNames, fsPath } from '../bytes/path-string.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { goErrnoText } from '../sys/errno-error.ts'
import { listNames } from './list-names.ts'
import { isOpaque, plainXattrs } from './overlay-xattr.ts'
import { entryOf, kindOf, readLink, statPath } from './read-entry.ts'
import { baseOf, joinPath, parentOf, resolvePath } from './resolve-path.ts'
import type { Entry, FileTree } from './tree.ts'
import { isWhiteout } from './whiteout-node.ts'

/** Where a name was found: its path on disk, and what is there. */
export interface Found {
  readonly real: string
  readonly stat: BigIntStats
}

/** More directories than this are not remembered. */
const mostRemembered = 20_000
/** More names than this are not remembered: walks go from directory to directory. */
const mostNames = 20_000
/** After this many look-ups of single names in a directory it is cheaper to know them all. */
const lookupsBeforeListing = 12

/** What is known of the names in a directory. */
interface KnownNames {
  lookups: number
  /** Every name that any of its parts may have, whiteouts included. */
  names: Set<string> | undefined
}

const emptyRoot: Entry = { kind: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtimeNs: 0n }

/**
 * A stack of layer directories seen as overlayfs would show it, without a mount: names are looked for from the top,
 * whiteouts end the search, directories are merged down to an opaque one or to something that is no directory.
 */
export class LayerTree implements FileTree {
  /** Layer directories, highest first. */
  readonly #layers: readonly string[]
  /** For a canonical directory: the directories on disk that make it up, highest first. */
  readonly #parts = new Map<string, readonly string[]>()
  readonly #names = new Map<string, KnownNames>()
  #nameCount = 0

  /** `layers` are absolute paths, lowest first. */
  constructor(layers: readonly string[]) {
    this.#layers = layers.toReversed()
  }

  lstat(path: string): Entry | undefined {
    const real = this.resolve(path, { followLast: false })
    const found = this.find(real)
    if (found !== undefined) return entryOf(found.real, found.stat)
    return this.#isEmptyRoot(real) ? emptyRoot : undefined
  }

  resolve(path: string, options: { followLast?: boolean } = {}): string {
    return resolvePath(path, at => this.#look(at), options.followLast ?? true)
  }

  readdir(path: string): readonly string[] {
    const parts = this.parts(path)
    if (parts === undefined) throw this.#missing(path)
    const names = new Set<string>()
    const gone = new Set<string>()
    for (const part of parts) {
      for (const { name, maybeWhiteout } of listNames(part)) {
        if (names.has(name) || gone.has(name)) continue
        const real = `${part}/${name}`
        const stat = maybeWhiteout ? statPath(real) : undefined
        if (stat !== undefined && isWhiteout(real, stat)) gone.add(name)
        else names.add(name)
      }
    }
    return [...names].sort(compareNames)
  }

  open(path: string): number {
    return openSync(fsPath(this.realPath(path)), constants.O_RDONLY | constants.O_NOFOLLOW)
  }

  xattrs(path: string): ReadonlyMap<string, Uint8Array> {
    return this.#isEmptyRoot(path) ? new Map() : plainXattrs(this.realPath(path))
  }

  realPath(path: string): string {
    const found = this.find(path)
    if (found === undefined) throw this.#missing(path)
    return found.real
  }

  [Symbol.dispose](): void {
    this.#parts.clear()
    this.#names.clear()
  }

  /** What is at a canonical path. */
  find(path: string): Found | undefined {
    if (path === '/') {
      const real = this.#layers[0]
      const stat = real === undefined ? undefined : statPath(real)
      return real === undefined || stat === undefined ? undefined : { real, stat }
    }
    const name = baseOf(path)
    const parent = parentOf(path)
    if (!this.mayHave(parent, name)) return undefined
    for (const part of this.parts(parent) ?? []) {
      const real = `${part}/${name}`
      const stat = statOf(real, path)
      if (stat !== undefined) return isWhiteout(real, stat) ? undefined : { real, stat }
    }
    return undefined
  }

  /** The directories on disk that make up a canonical directory, highest first; undefined where it is none. */
  parts(path: string): readonly string[] | undefined {
    if (path === '/') return this.#layers
    const known = this.#parts.get(path)
    if (known !== undefined) return known
    const parents = this.parts(parentOf(path))
    if (parents === undefined) return undefined
    const parts = mergedParts(parents, path)
    if (parts.length === 0) return undefined
    if (this.#parts.size >= mostRemembered) this.#parts.clear()
    this.#parts.set(path, parts)
    return parts
  }

  /** False where it is known without asking the disk that no part of a directory has the name. */
  mayHave(directory: string, name: string): boolean {
    let known = this.#names.get(directory)
    if (known === undefined) {
      if (this.#names.size >= mostRemembered || this.#nameCount >= mostNames) this.#forgetNames()
      known = { lookups: 0, names: undefined }
      this.#names.set(directory, known)
    }
    if (known.names === undefined && ++known.lookups > lookupsBeforeListing) {
      const parts = this.parts(directory) ?? []
      known.names = new Set(parts.flatMap(part => listNames(part).map(one => one.name)))
      this.#nameCount += known.names.size
    }
    return known.names?.has(name) ?? true
  }

  /** Tells that a name has appeared in a directory. */
  noteName(directory: string, name: string): void {
    const names = this.#names.get(directory)?.names
    if (names === undefined) return
    names.add(name)
    this.#nameCount++
  }

  /** Tells that a directory has just been made and nothing of lower layers shows in it. */
  noteEmpty(directory: string): void {
    if (this.#nameCount >= mostNames) this.#forgetNames()
    this.#names.set(directory, { lookups: 0, names: new Set() })
  }

  /** Forgets what is known of a directory that has changed, and with `deep` of everything in it. */
  forget(path: string, deep: boolean): void {
    this.#parts.delete(path)
    this.#names.delete(path)
    if (!deep) return
    const prefix = joinPath(path, '')
    for (const key of this.#parts.keys()) if (key.startsWith(prefix)) this.#parts.delete(key)
    for (const key of this.#names.keys()) if (key.startsWith(prefix)) this.#names.delete(key)
  }

  #forgetNames(): void {
    this.#names.clear()
    this.#nameCount = 0
  }

  #look(path: string): Pick<Entry, 'kind' | 'linkname'> | undefined {
    if (path === '/' || this.#parts.has(path)) return { kind: 'directory' }
    const found = this.find(path)
    if (found === undefined) return undefined
    const kind = kindOf(found.stat)
    // Remembered, so that the next path through this directory does not ask the disk again.
    if (kind === 'directory') this.parts(path)
    return kind === 'symlink' ? { kind, linkname: readLink(found.real) } : { kind }
  }

  /** The root of no layers at all: nowhere on disk, and a directory all the same. */
  #isEmptyRoot(path: string): boolean {
    return path === '/' && this.#layers.length === 0
  }

  #missing(path: string): SlipwayError {
    const found = path === '/' || this.find(path) !== undefined
    return found
      ? new SlipwayError('failed-precondition', `${path}: not a directory`)
      : new SlipwayError('not-found', `${path}: no such file or directory`)
  }
}

/** What is on disk at `real`. Throws in Go's words with the path in the tree. */
function statOf(real: string, path: string): BigIntStats | undefined {
  try {
    return statPath(real)
  } catch (error) {
    const { path: _, ...facts } = error as { readonly path?: string }
    const text = goErrnoText(facts, 'lstat', path)
    throw text === undefined ? error : new SlipwayError('failed-precondition', text, { cause: error })
  }
}

function mergedParts(parents: readonly string[], path: string): readonly string[] {
  const parts: string[] = []
  for (const parent of parents) {
    const real = `${parent}/${baseOf(path)}`
    const stat = statOf(real, path)
    if (stat === undefined) continue
    if (!stat.isDirectory()) break
    parts.push(real)
    if (isOpaque(real)) break
  }
  return parts
}

/** A stack of layer directories, lowest first, as one tree. An empty stack is an empty root. */
export function openLayerTree(layers: readonly string[]): LayerTree {
  return new LayerTree(layers)
}
