import { closeSync } from 'node:fs'
import { posix } from 'node:path'
import { atOnce, type Pieces } from '../async/pieces.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { compilePatterns, type ParentMatch, type PatternMatcher } from '../gostd/pattern-matcher.ts'
import { copyDataInPieces } from '../sys/copy-file.ts'
import type { Entry, EntryAttributes, FileTree, WritableTree } from '../snapshot/tree.ts'
import { applySymbolicMode } from './symbolic-mode.ts'
import { wasTorn } from './torn-read.ts'

/** How a copy treats what it finds. Modes are permission bits, times nanoseconds since 1970. */
export interface CopyOptions {
  readonly owner?: { readonly uid: number; readonly gid: number }
  readonly mode?: number
  /** As in chmod(1); wins over `mode`. */
  readonly symbolicMode?: string
  readonly mtimeNs?: bigint
  readonly includePatterns?: readonly string[]
  readonly excludePatterns?: readonly string[]
  /** A directory is copied as its contents, not as itself. */
  readonly directoryContents: boolean
  readonly followLinks: boolean
  /** What is in the way is replaced whatever it is. */
  readonly replace: boolean
  /** The source changes meanwhile: what goes away is left out. */
  readonly live?: boolean
}

/** Files up to this size are copied in a moment. */
const mostAtOnce = 1 << 20
/** Such files that are copied without a break. */
const entriesInATurn = 32

/** A directory on the way down: it is made once something in it is. */
interface OpenDirectory {
  readonly from: string
  readonly to: string
  made: boolean
}

/** Creates a directory and the missing ones above it; canonical path. Answers those it made, the topmost first. */
export function makeDirectories(
  tree: WritableTree,
  path: string,
  mode: number,
  attributes: EntryAttributes,
): readonly string[] {
  const entry = tree.lstat(path)
  if (entry?.kind === 'directory') return []
  if (entry !== undefined) throw new SlipwayError('failed-precondition', `mkdir ${path}: not a directory`)
  const above = path === '/' ? [] : makeDirectories(tree, posix.dirname(path), mode, attributes)
  tree.mkdir(path, { ...attributes, mode })
  return [...above, path]
}

/**
 * Copies `from` of one tree to `to` of another as `COPY` does: contents or the directory itself, merged file by file;
 * existing directories keep their attributes at the top and take those of the source below it. Throws `not-found`,
 * `failed-precondition` (`cannot copy to non-directory: /x`).
 */
export function copyTree(
  source: FileTree,
  from: string,
  target: WritableTree,
  to: string,
  options: CopyOptions,
): Pieces<void> {
  return new TreeCopier(source, target, options).copy(from, to)
}

class TreeCopier {
  readonly #source: FileTree
  readonly #target: WritableTree
  readonly #options: CopyOptions
  readonly #include: PatternMatcher | undefined
  readonly #exclude: PatternMatcher | undefined
  readonly #links = new Map<string, string>()
  readonly #open: OpenDirectory[] = []
  #visited = 0

  constructor(source: FileTree, target: WritableTree, options: CopyOptions) {
    this.#source = source
    this.#target = target
    this.#options = options
    this.#include = options.includePatterns?.length ? compilePatterns(options.includePatterns) : undefined
    this.#exclude = options.excludePatterns?.length ? compilePatterns(options.excludePatterns) : undefined
  }

  *copy(from: string, to: string): Pieces<void> {
    const parent = to.endsWith('/') ? to : posix.dirname(to)
    const made = this.#makeParents(this.#target.resolve(parent))
    const destination = this.#target.resolve(posix.join('/', to))
    const real = this.#source.resolve(from, { followLast: this.#options.followLinks })
    const entry = this.#source.lstat(real)
    if (entry === undefined) throw new SlipwayError('not-found', `lstat ${real}: no such file or directory`)
    const there = this.#target.lstat(destination)
    const into =
      entry.kind === 'directory'
        ? !this.#options.directoryContents && there !== undefined
        : there?.kind === 'directory'
    const path = into ? posix.join(destination, posix.basename(from)) : destination
    const contentsOfNew = this.#options.directoryContents && entry.kind === 'directory' && there === undefined
    made.push(...this.#makeParents(contentsOfNew ? path : posix.dirname(path)))
    const left = this.#copy(real, '', path, false, undefined, undefined)
    if (left !== undefined) yield* left
    const { mtimeNs } = this.#options
    if (mtimeNs !== undefined) for (const one of made.reverse()) this.#target.setAttributes(one, { mtimeNs })
  }

  #makeParents(path: string): string[] {
    const { mode, owner, mtimeNs } = this.#options
    return [
      // As in Go, where such a mode has no other bits.
      ...makeDirectories(this.#target, path, (mode ?? 0o755) & 0o777, {
        uid: owner?.uid ?? 0,
        gid: owner?.gid ?? 0,
        ...(mtimeNs === undefined ? {} : { mtimeNs }),
      }),
    ]
  }

  /**
   * `relative` is the path below what was asked for, which is what patterns are about. Answers what is left to do where that
   * takes long.
   */
  #copy(
    from: string,
    relative: string,
    to: string,
    overwrite: boolean,
    includeParent: ParentMatch | undefined,
    excludeParent: ParentMatch | undefined,
  ): Pieces<void> | undefined {
    const include = relative === '' ? undefined : this.#include?.matchesBelow(relative, includeParent)
    const exclude = relative === '' ? undefined : this.#exclude?.matchesBelow(relative, excludeParent)
    const excluded = exclude?.matched ?? false
    const included = (include?.matched ?? true) && !excluded
    if (!included && this.#include === undefined && !this.#exclude?.hasExclusions) return undefined
    const entry = this.#source.lstat(from)
    if (entry === undefined) {
      if (this.#options.live === true) return undefined
      throw new SlipwayError('not-found', `failed to stat ${from}: no such file or directory`)
    }
    if (!included && entry.kind !== 'directory') return undefined
    const there = this.#target.lstat(to)
    if (included) {
      this.#clearWay(entry, there, to)
      this.#makeOpenDirectories()
    }
    if (entry.kind === 'directory') {
      return this.#copyDirectory(
        from,
        relative,
        to,
        entry,
        { overwrite, included, excluded },
        include?.info,
        exclude?.info,
      )
    }
    if (this.#target.lstat(to)?.kind === 'directory') {
      throw new SlipwayError('failed-precondition', `cannot replace to directory ${to} with file`)
    }
    try {
      return this.#copyEntry(from, to, entry)
    } catch (e) {
      if (!this.#isLost(e)) throw e
      return undefined
    }
  }

  /** Whether something failed only because it went away, or became something else, in a source that changes. */
  #isLost(error: unknown): boolean {
    return this.#options.live === true && wasTorn(error)
  }

  #namesIn(directory: string): readonly string[] {
    try {
      return this.#source.readdir(directory)
    } catch (e) {
      if (!this.#isLost(e)) throw e
      return []
    }
  }

  #clearWay(entry: Entry, there: Entry | undefined, to: string): void {
    if (!this.#options.replace || there === undefined) return
    if (entry.kind === 'directory' && there.kind === 'directory') return
    this.#target.remove(to)
  }

  /** Makes directories that were held back until something in them is taken. */
  #makeOpenDirectories(): void {
    for (const directory of this.#open) {
      if (directory.made) continue
      const entry = this.#source.lstat(directory.from)
      if (entry === undefined) continue
      // Of one that is there only the mode is taken, and the times of these are not set back.
      if (this.#target.lstat(directory.to)?.kind === 'directory')
        this.#target.setAttributes(directory.to, { mode: entry.mode })
      else this.#makeDirectory(directory.from, directory.to, entry, true)
      directory.made = true
    }
  }

  #makeDirectory(from: string, to: string, entry: Entry, overwrite: boolean): void {
    const there = this.#target.lstat(to)
    if (there !== undefined && there.kind !== 'directory') {
      throw new SlipwayError('failed-precondition', `cannot copy to non-directory: ${to}`)
    }
    if (there === undefined) this.#target.mkdir(to, this.#attributes(from, entry))
    else if (overwrite) this.#target.setAttributes(to, this.#attributes(from, entry))
  }

  *#copyDirectory(
    from: string,
    relative: string,
    to: string,
    entry: Entry,
    how: { overwrite: boolean; included: boolean; excluded: boolean },
    includeInfo: ParentMatch | undefined,
    excludeInfo: ParentMatch | undefined,
  ): Pieces<void> {
    if (how.included) this.#makeDirectory(from, to, entry, how.overwrite)
    const open: OpenDirectory = { from, to, made: how.included }
    if (how.excluded && !this.#exclude?.hasExclusions) return
    this.#open.push(open)
    for (const name of this.#namesIn(from)) {
      const child = relative === '' ? name : `${relative}/${name}`
      this.#visited = (this.#visited + 1) % entriesInATurn
      if (this.#visited === 0) yield
      const left = this.#copy(
        posix.join(from, name),
        child,
        posix.join(to, name),
        true,
        includeInfo,
        excludeInfo,
      )
      if (left !== undefined) yield* left
    }
    this.#open.pop()
    if (how.included) this.#target.setAttributes(to, { mtimeNs: this.#options.mtimeNs ?? entry.mtimeNs })
  }

  #copyEntry(from: string, to: string, entry: Entry): Pieces<void> | undefined {
    const attributes = this.#attributes(from, entry)
    switch (entry.kind) {
      case 'file':
        return this.#copyFile(from, to, entry, attributes)
      case 'symlink':
        this.#target.symlink(to, entry.linkname ?? '', attributes)
        return undefined
      case 'char':
      case 'block':
      case 'fifo':
      case 'socket':
        this.#target.mknod(to, entry, attributes)
        return undefined
      case 'directory':
        return undefined
      default:
        return entry.kind satisfies never
    }
  }

  #copyFile(from: string, to: string, entry: Entry, attributes: EntryAttributes): Pieces<void> | undefined {
    const first = entry.hardlinkKey === undefined ? undefined : this.#links.get(entry.hardlinkKey)
    if (first !== undefined) {
      this.#target.link(to, first)
      return undefined
    }
    if (entry.size > mostAtOnce) return this.#copyLong(from, to, entry, attributes)
    const fd = this.#source.open(from)
    try {
      this.#target.writeFile(to, attributes, out => atOnce(copyDataInPieces(fd, out, entry.size)))
    } finally {
      closeSync(fd)
    }
    if (entry.hardlinkKey !== undefined) this.#links.set(entry.hardlinkKey, to)
    return undefined
  }

  *#copyLong(from: string, to: string, entry: Entry, attributes: EntryAttributes): Pieces<void> {
    try {
      const fd = this.#source.open(from)
      try {
        yield* this.#target.writeInPieces(to, attributes, out => copyDataInPieces(fd, out, entry.size))
      } finally {
        closeSync(fd)
      }
    } catch (e) {
      if (!this.#isLost(e)) throw e
      return
    }
    if (entry.hardlinkKey !== undefined) this.#links.set(entry.hardlinkKey, to)
  }

  #attributes(from: string, entry: Entry): EntryAttributes {
    const { owner, mode, symbolicMode, mtimeNs } = this.#options
    const symbolic =
      symbolicMode === undefined
        ? undefined
        : applySymbolicMode(symbolicMode, entry.mode, entry.kind === 'directory')
    return {
      mode: entry.kind === 'symlink' ? 0o777 : (symbolic ?? mode ?? entry.mode),
      uid: owner?.uid ?? entry.uid,
      gid: owner?.gid ?? entry.gid,
      mtimeNs: mtimeNs ?? entry.mtimeNs,
      xattrs: this.#source.xattrs(from),
    }
  }
}
