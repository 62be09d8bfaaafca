import { closeSync, constants, openSync, readSync } from 'node:fs'
import { compareNames, fsPath } from '../bytes/path-string.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { getXattr, listXattrs } from '../sys/xattr.ts'
import { encodeHeader, endOfArchive, padding } from '../tar/encode-header.ts'
import { noXattrs, type TarEntry } from '../tar/entry.ts'
import { plainEntry } from '../tar/plain-entry.ts'
import { LayerTree } from './layer-tree.ts'
import { listOnlyNames } from './list-names.ts'
import { entryOf, statPath } from './read-entry.ts'
import { joinPath } from './resolve-path.ts'
import type { Entry } from './tree.ts'
import { isUnchanged } from './unchanged.ts'
import { opaqueMarker, whiteoutName } from './whiteout-name.ts'
import { isWhiteout } from './whiteout-node.ts'

/** What becomes a layer archive. */
export interface LayerTarOptions {
  /** The layer's directory. */
  readonly upper: string
  /** The layers it was made on, lowest first: what is the same there is left out. Absent, nothing is left out. */
  readonly lowers?: readonly string[] | undefined
  /** Seconds since 1970: later times are set back to it. */
  readonly epochSeconds?: number
  /** Called now and then; a throw ends the work. */
  readonly check?: () => void
  /** Gets the sum of the lengths of all files of the layer, at the end. */
  readonly onContentBytes?: (bytes: number) => void
}

/** A directory that is being walked. */
interface Level {
  /** Canonical path; in the archive, the same without the leading slash. */
  readonly path: string
  readonly real: string
  readonly names: readonly string[]
  /** Whether the layers below have this directory, so that what is gone or the same can be told. */
  readonly below: boolean
  /** Nothing shows through from below: what is only there was deleted. */
  readonly replaced: boolean
  /** Its header, as long as it is not written: unchanged directories are there for what is in them only. */
  header: Buffer | undefined
  next: number
}

const bufferSize = 1 << 20
const second = 1_000_000_000n

/**
 * The archive of a layer: names sorted by bytes in each directory, whole seconds, whiteouts with time 0, hard links
 * inside the layer kept, of extended attributes only file capabilities (as containerd does; others are the machine's
 * own). The same content gives the same bytes. A chunk is valid until the next one is asked for. Throws
 * `failed-precondition` where overlayfs was mounted with options that hide data elsewhere.
 * Rules: https://github.com/containerd/containerd/blob/v2.1.0/pkg/archive/tar.go, ChangeWriter
 */
export function* layerTar(options: LayerTarOptions): Generator<Uint8Array, void, undefined> {
  yield* new LayerTar(options).chunks()
}

class LayerTar {
  readonly #options: LayerTarOptions
  readonly #below: LayerTree | undefined
  readonly #levels: Level[] = []
  /** First name in the archive of each file with several names. */
  readonly #links = new Map<string, string>()
  readonly #buffer = Buffer.allocUnsafeSlow(bufferSize)
  #filled = 0
  #contentBytes = 0
  readonly #counted = new Set<string>()

  constructor(options: LayerTarOptions) {
    this.#options = options
    this.#below = options.lowers === undefined ? undefined : new LayerTree(options.lowers)
  }

  *chunks(): Generator<Uint8Array, void, undefined> {
    const { upper } = this.#options
    this.#levels.push({ ...level('/', upper, undefined), below: true, replaced: false })
    for (let top = this.#levels.at(-1); top !== undefined; top = this.#levels.at(-1)) {
      const name = top.names[top.next++]
      if (name === undefined) this.#levels.pop()
      else yield* this.#visit(top, name)
    }
    yield* this.#put(endOfArchive)
    if (this.#filled > 0) yield this.#flush()
    this.#options.onContentBytes?.(this.#contentBytes)
  }

  *#visit(parent: Level, name: string): Generator<Uint8Array, void, undefined> {
    this.#options.check?.()
    const path = joinPath(parent.path, name)
    const real = `${parent.real}/${name}`
    const stat = statPath(real)
    if (stat === undefined && !parent.replaced)
      throw new SlipwayError('internal', `${real} went away while it was packed`)
    const found = parent.below ? this.#below?.find(path) : undefined
    const blind = parent.below && this.#below === undefined
    if (stat === undefined || isWhiteout(real, stat)) {
      if (found !== undefined || blind)
        yield* this.#member(
          encodeHeader(whiteout(joinPath(parent.path, whiteoutName(name))), { format: 'ustar' }),
        )
      return
    }
    const entry = entryOf(real, stat)
    if (entry.kind === 'socket') return
    this.#countContent(entry)
    const marks = this.#readMarks(real)
    const unchanged = found !== undefined && isUnchanged(found, { real, stat })
    if (entry.kind === 'directory') {
      const header = this.#header(path, entry, marks.xattrs)
      if (!unchanged) yield* this.#member(header)
      yield* this.#enter(parent, level(path, real, unchanged ? header : undefined), {
        inBoth: found?.stat.isDirectory() ?? blind,
        opaque: marks.opaque,
      })
      return
    }
    if (unchanged) return
    const first = entry.hardlinkKey === undefined ? undefined : this.#links.get(entry.hardlinkKey)
    if (entry.hardlinkKey !== undefined && first === undefined)
      this.#links.set(entry.hardlinkKey, path.slice(1))
    yield* this.#member(this.#header(path, entry, marks.xattrs, first))
    if (entry.kind === 'file' && first === undefined) yield* this.#content(real, entry.size)
  }

  /**
   * Goes into a directory. In one that replaces another, BuildKit tells file by file what is gone; the marker that hides all
   * is for where nothing is known of the layers below.
   */
  *#enter(
    parent: Level,
    entered: Omit<Level, 'below' | 'replaced'>,
    how: { readonly inBoth: boolean; readonly opaque: boolean },
  ): Generator<Uint8Array, void, undefined> {
    const { path, names } = entered
    const isReplaced = how.inBoth && (how.opaque || parent.replaced)
    const below = how.inBoth && !(isReplaced && this.#below === undefined)
    const all = isReplaced
      ? [...new Set([...names, ...(this.#below?.readdir(path) ?? [])])].sort(compareNames)
      : names
    this.#levels.push({ ...entered, names: all, below, replaced: isReplaced && below })
    if (how.inBoth && !below) {
      yield* this.#member(encodeHeader(whiteout(joinPath(path, opaqueMarker)), { format: 'ustar' }))
    }
  }

  #countContent(entry: Entry): void {
    const { kind, hardlinkKey } = entry
    if (kind !== 'file' || (hardlinkKey !== undefined && this.#counted.has(hardlinkKey))) return
    if (hardlinkKey !== undefined) this.#counted.add(hardlinkKey)
    this.#contentBytes += entry.size
  }

  /** Writes a header, behind those of directories that waited for it. */
  *#member(header: Buffer): Generator<Uint8Array, void, undefined> {
    for (const waiting of this.#levels) {
      if (waiting.header === undefined) continue
      const bytes = waiting.header
      waiting.header = undefined
      yield* this.#put(bytes)
    }
    yield* this.#put(header)
  }

  #header(path: string, entry: Entry, xattrs: TarEntry['xattrs'], first?: string): Buffer {
    const { kind } = entry
    if (kind === 'socket') throw new SlipwayError('internal', 'a socket has no header')
    const isFile = kind === 'file' && first === undefined
    return encodeHeader({
      type: first === undefined ? kind : 'hardlink',
      name: kind === 'directory' ? `${path.slice(1)}/` : path.slice(1),
      linkname: first ?? entry.linkname ?? '',
      mode: kind === 'symlink' ? 0o777 : entry.mode,
      uid: entry.uid,
      gid: entry.gid,
      size: isFile ? entry.size : 0,
      mtimeNs: this.#time(entry.mtimeNs),
      devmajor: entry.devmajor ?? 0,
      devminor: entry.devminor ?? 0,
      xattrs,
    })
  }

  /** Whole seconds, rounded down, not after the epoch that was asked for. */
  #time(ns: bigint): bigint {
    const rest = ((ns % second) + second) % second
    const { epochSeconds } = this.#options
    const latest = epochSeconds === undefined ? ns : BigInt(epochSeconds) * second
    return ns - rest > latest ? latest : ns - rest
  }

  /** One look at the attributes: overlayfs's marks and what goes into the archive. */
  #readMarks(real: string): { readonly opaque: boolean; readonly xattrs: TarEntry['xattrs'] } {
    let opaque = false
    let xattrs: Map<string, Uint8Array> | undefined
    for (const name of listXattrs(real)) {
      if (name === 'security.capability') {
        const value = getXattr(real, name)
        if (value !== undefined) xattrs = new Map([[name, value]])
      } else if (name === 'trusted.overlay.opaque' || name === 'user.overlay.opaque') {
        opaque ||= getXattr(real, name)?.toString('latin1') === 'y'
      } else if (/^(trusted|user)\.overlay\.(redirect|metacopy)$/.test(name)) {
        throw new SlipwayError(
          'failed-precondition',
          `${real}: overlayfs was mounted with redirect_dir or metacopy, which layers cannot have`,
        )
      }
    }
    return { opaque, xattrs: xattrs ?? noXattrs }
  }

  *#content(real: string, size: number): Generator<Uint8Array, void, undefined> {
    if (size === 0) return
    const fd = openSync(fsPath(real), constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      for (let left = size; left > 0; ) {
        if (this.#filled === bufferSize) yield this.#flush()
        const n = readSync(fd, this.#buffer, this.#filled, Math.min(left, bufferSize - this.#filled), null)
        if (n === 0) throw new SlipwayError('internal', `${real} became shorter while it was packed`)
        this.#filled += n
        left -= n
        if (left > 0) this.#options.check?.()
      }
    } finally {
      closeSync(fd)
    }
    yield* this.#put(padding(size))
  }

  *#put(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === bufferSize) yield this.#flush()
      const n = Math.min(bytes.length - at, bufferSize - this.#filled)
      this.#buffer.set(bytes.subarray(at, at + n), this.#filled)
      this.#filled += n
      at += n
    }
  }

  #flush(): Uint8Array {
    const bytes = this.#buffer.subarray(0, this.#filled)
    this.#filled = 0
    return bytes
  }
}

function level(path: string, real: string, header: Buffer | undefined): Omit<Level, 'below' | 'replaced'> {
  const names = listOnlyNames(real).sort(compareNames)
  return { path, real, names, header, next: 0 }
}

function whiteout(path: string): TarEntry {
  return plainEntry('file', path.slice(1), 0)
}
