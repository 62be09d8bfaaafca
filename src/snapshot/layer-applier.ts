import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { fsPath } from '../bytes/path-string.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { TarEntry } from '../tar/entry.ts'
import type { TarSink } from '../tar/reader.ts'
import { mknod } from '../sys/device.ts'
import { errnoOf } from '../sys/errno-error.ts'
import { setFileTimes, setTimes } from '../sys/times.ts'
import { applyToPath, chownError, copyEntry, setXattrs } from './apply-attributes.ts'
import { LayerTree } from './layer-tree.ts'
import { listNames } from './list-names.ts'
import { type OverlayPrefix, setOpaque } from './overlay-xattr.ts'
import { statPath } from './read-entry.ts'
import { joinPath } from './resolve-path.ts'
import type { EntryAttributes, EntryKind } from './tree.ts'
import { UpperPaths } from './upper-paths.ts'
import { parseWhiteout } from './whiteout-name.ts'
import { makeWhiteout } from './whiteout-node.ts'

/** Where a layer is unpacked to. */
export interface ApplyOptions {
  /** An empty directory that nobody else uses. */
  readonly upper: string
  /** Layers below, lowest first: for attributes of directories that the archive leaves out, and targets of hard links. */
  readonly lowers: readonly string[]
  readonly overlayPrefix: OverlayPrefix
  /** In a user namespace devices cannot be made: they are left out, as containerd leaves them out. */
  readonly skipDevices: boolean
}

const create = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/**
 * Turns the members of a layer archive into an overlayfs upper directory. Names are clamped to it, symlinks on the way
 * are followed inside it, whiteouts become overlayfs's marks. What containerd refuses is refused here: whiteouts of
 * nothing, `.` or `..`, members below something that is no directory.
 * Behaviour: https://github.com/containerd/containerd/blob/v2.1.0/pkg/archive/tar.go, with two differences: hard links
 * to files of lower layers work, and a directory in the place of a removed one does not show the old content.
 */
export class LayerApplier implements TarSink {
  readonly #options: ApplyOptions
  readonly #lower: LayerTree
  readonly #paths: UpperPaths
  /** Modification times of directories, given at the end: members that follow would change them. Canonical paths. */
  readonly #times = new Map<string, bigint>()
  readonly #uid = process.getuid?.() ?? 0
  readonly #gid = process.getgid?.() ?? 0
  readonly #umask = process.umask()
  /** Group of new files may be their directory's once there is a setgid directory. */
  #setgidSeen = false
  #rootOpaque = false
  #name = ''
  #fd = -1
  #file: { readonly entry: TarEntry; readonly real: string } | undefined
  #written = 0
  #size: number | undefined = 0

  constructor(options: ApplyOptions) {
    this.#options = options
    this.#lower = new LayerTree(options.lowers)
    this.#paths = new UpperPaths(options.upper, this.#lower, options.overlayPrefix, this.#times)
    this.#setgidSeen = ((statPath(options.upper)?.mode ?? 0n) & 0o2000n) !== 0n
  }

  /** Sum of the lengths of all files so far, holes counted; undefined where files were put in the place of others. */
  get contentBytes(): number | undefined {
    return this.#size
  }

  /** Name of the last member that came, for messages: long ones are cut. */
  get memberName(): string {
    return this.#name.length > 300 ? `${this.#name.slice(0, 300)}…` : this.#name
  }

  entry(entry: TarEntry): void {
    this.#name = entry.name
    const parts = cleanParts(entry.name)
    const base = parts.pop()
    // The root itself keeps its attributes, as in containerd.
    if (base === undefined || parts.some(part => part.startsWith('.wh..wh.'))) return
    const whiteout = parseWhiteout(base)
    if (whiteout?.kind === 'ignored') return
    if (this.#options.skipDevices && (entry.type === 'char' || entry.type === 'block')) return
    const directory = this.#paths.directory(parts)
    if (whiteout?.kind === 'opaque') this.#opaque(directory)
    else if (whiteout !== undefined) this.#whiteout(joinPath(directory, whiteout.name))
    else this.#member(entry, joinPath(directory, base))
  }

  data(chunk: Buffer, offset: number): void {
    if (this.#fd < 0) return
    for (let done = 0; done < chunk.length; ) {
      done += writeSync(this.#fd, chunk, done, chunk.length - done, offset + done)
    }
    this.#written = offset + chunk.length
  }

  finish(): void {
    const file = this.#file
    if (file === undefined) return
    const { entry, real } = file
    const fd = this.#fd
    if (this.#written < entry.size) ftruncateSync(fd, entry.size)
    const owned = entry.uid === this.#uid && entry.gid === this.#gid && !this.#setgidSeen
    if (!owned) {
      try {
        fchownSync(fd, entry.uid, entry.gid)
      } catch (error) {
        throw chownError(error, entry.name, entry.uid, entry.gid)
      }
    }
    // The mode given at creation stands unless the umask or the change of owner took something away.
    if (!owned || (entry.mode & 0o7000) !== 0 || (entry.mode & this.#umask) !== 0) fchmodSync(fd, entry.mode)
    if (entry.xattrs.size > 0) setXattrs(real, entry, 'file')
    const mtimeNs = boundTime(entry.mtimeNs)
    setFileTimes(fd, mtimeNs, mtimeNs)
    this.close()
  }

  /** To be called after the last member: gives directories their times. */
  complete(): void {
    if (this.#rootOpaque) this.#hideRoot()
    for (const [path, mtimeNs] of this.#times) {
      const real = this.#paths.real(path)
      if (statPath(real)?.isDirectory()) setTimes(real, mtimeNs, mtimeNs)
    }
  }

  /** Closes what is open; for the end, whichever it is. */
  close(): void {
    const fd = this.#fd
    this.#fd = -1
    this.#file = undefined
    if (fd >= 0) closeSync(fd)
  }

  #member(entry: TarEntry, path: string): void {
    const real = this.#paths.real(path)
    switch (entry.type) {
      case 'file':
        this.#openFile(entry, real)
        return
      case 'directory':
        this.#directory(entry, path, real)
        return
      case 'symlink':
        this.#place(real, () => symlinkSync(fsPath(entry.linkname), fsPath(real)))
        this.#attributes(entry, real, 'symlink')
        return
      case 'hardlink':
        this.#hardlink(entry, real)
        return
      case 'char':
      case 'block':
      case 'fifo': {
        const { type, devmajor, devminor } = entry
        this.#place(real, () => mknod(real, type, 0o600, devmajor, devminor))
        this.#attributes(entry, real, type)
        return
      }
      default:
        entry.type satisfies never
    }
  }

  #openFile(entry: TarEntry, real: string): void {
    this.#place(real, () => {
      this.#fd = openSync(fsPath(real), create, entry.mode & 0o777)
    })
    this.#file = { entry, real }
    this.#count(entry.size)
    this.#written = 0
  }

  #directory(entry: TarEntry, path: string, real: string): void {
    const make = (): void => mkdirSync(fsPath(real), 0o755)
    try {
      make()
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
      if (!statPath(real)?.isDirectory()) {
        // A whiteout or a file of this layer hid what lower layers have here, and the directory goes on hiding it.
        this.#remove(real)
        make()
        setOpaque(real, this.#options.overlayPrefix)
      }
    }
    if ((entry.mode & 0o2000) !== 0) this.#setgidSeen = true
    this.#attributes(entry, real, 'directory')
    this.#times.set(path, boundTime(entry.mtimeNs))
  }

  #hardlink(entry: TarEntry, real: string): void {
    const parts = cleanParts(entry.linkname)
    const base = parts.pop()
    if (base === undefined) throw linkError(entry, 'operation not permitted')
    const source = this.#linkSource(parts, base)
    if (source === undefined) throw linkError(entry)
    const stat = statPath(source)
    if (stat?.isDirectory()) throw linkError(entry, 'operation not permitted')
    if (stat === undefined || source === real) throw linkError(entry)
    this.#place(real, () => linkSync(fsPath(source), fsPath(real)))
    this.#attributes(entry, real, stat.isSymbolicLink() ? 'symlink' : 'file')
  }

  /** The target of a hard link in the upper directory, copied there from the layers below where need be. */
  #linkSource(parts: readonly string[], base: string): string | undefined {
    const found = this.#lowerTarget(parts, base)
    const inUpper = this.#existing(parts, base)
    if (inUpper !== undefined) return inUpper
    if (found === undefined) return undefined
    const real = this.#paths.real(joinPath(this.#paths.directory(parts), base))
    if (statPath(real) !== undefined) return undefined
    copyEntry(found, real)
    this.#count(Number(statPath(real)?.size ?? 0n))
    return real
  }

  #existing(parts: readonly string[], base: string): string | undefined {
    const upper = new LayerTree([this.#options.upper])
    const path = joinPath(upper.resolve(parts.join('/')), base)
    const found = upper.find(path)
    return found?.real
  }

  #lowerTarget(parts: readonly string[], base: string): string | undefined {
    try {
      const found = this.#lower.find(joinPath(this.#lower.resolve(parts.join('/')), base))
      return found?.stat.isDirectory() ? undefined : found?.real
    } catch {
      return undefined
    }
  }

  /** Makes something at a path, in the place of what the archive put there before. */
  #place(real: string, make: () => void): void {
    try {
      make()
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
      this.#remove(real)
      make()
    }
  }

  #count(bytes: number): void {
    if (this.#size !== undefined) this.#size += bytes
  }

  #remove(real: string): void {
    const stat = statPath(real)
    if (stat?.isDirectory() || stat?.isSymbolicLink()) this.#paths.forget()
    if (!stat?.isSymbolicLink()) this.#size = undefined
    rmSync(fsPath(real), { recursive: true, force: true })
  }

  #whiteout(path: string): void {
    const real = this.#paths.real(path)
    const stat = statPath(real)
    if (stat === undefined) makeWhiteout(real)
    // Whiteouts speak of lower layers only: what this layer brings itself stays.
    else if (stat.isDirectory()) setOpaque(real, this.#options.overlayPrefix)
  }

  #opaque(path: string): void {
    if (path === '/') this.#rootOpaque = true
    else setOpaque(this.#paths.real(path), this.#options.overlayPrefix)
  }

  /** Overlayfs does not know opaque roots: every name below gets its own whiteout. */
  #hideRoot(): void {
    const own = new Set(listNames(this.#options.upper).map(({ name }) => name))
    for (const name of this.#lower.readdir('/')) {
      const real = joinPath(this.#options.upper, name)
      if (!own.has(name)) makeWhiteout(real)
      else if (statPath(real)?.isDirectory()) setOpaque(real, this.#options.overlayPrefix)
    }
  }

  #attributes(entry: TarEntry, real: string, kind: EntryKind): void {
    const { uid, gid, mode, xattrs } = entry
    const attributes: EntryAttributes = { uid, gid, mode, xattrs, mtimeNs: boundTime(entry.mtimeNs) }
    applyToPath(real, attributes, kind)
  }
}

/** The parts of a member's name, `..` taken back and stopped at the root. */
function cleanParts(name: string): string[] {
  const parts: string[] = []
  for (const part of name.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts
}

/** Times before 1970 and beyond what file systems keep count as 1970, as in containerd. */
function boundTime(ns: bigint): bigint {
  return ns < 0n || ns > latest ? 0n : ns
}

const latest = (1n << 63n) - 1n

function linkError(entry: TarEntry, why = 'no such file or directory'): SlipwayError {
  return new SlipwayError('data-loss', `link ${entry.linkname} ${entry.name}: ${why}`)
}
