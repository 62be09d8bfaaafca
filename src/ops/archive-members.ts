import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { posix } from 'node:path'
import { fsPath } from '../bytes/path-string.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { joinPath, resolvePath } from '../snapshot/resolve-path.ts'
import type { Entry, EntryAttributes, WritableTree } from '../snapshot/tree.ts'
import { writeFullyAt } from '../sys/copy-file.ts'
import { goErrnoText } from '../sys/errno-error.ts'
import type { TarEntry } from '../tar/entry.ts'
import type { TarMember } from '../tar/read-tar.ts'
import type { Owner } from './owner.ts'

/** Content up to this size (bytes) is gathered before its file is made. */
const mostGathered = 1024 * 1024
/** Go's latest time in nanoseconds. */
const latestNs = 2n ** 63n - 1n

/**
 * Puts members of an archive into a directory, which is their root: names and symlinks, absolute ones too, do not lead out
 * of it. What is in the way goes, but directories take directories. Missing directories belong to root. Throws in Go's
 * words with paths below that directory.
 * Behaviour: https://github.com/moby/go-archive/blob/v0.2.0/archive.go, `Unpack`, in a chroot
 */
export class ArchiveMembers {
  readonly #tree: WritableTree
  readonly #base: string
  readonly #owner: Owner | undefined
  /** Times of directories, which are set when everything is in them; canonical paths below the base. */
  readonly #times = new Map<string, bigint>()
  /** Where names of directories lead, until something is replaced. */
  readonly #directories = new Map<string, string>()

  constructor(tree: WritableTree, base: string, owner: Owner | undefined) {
    this.#tree = tree
    this.#base = base
    this.#owner = owner
  }

  async add(member: TarMember): Promise<void> {
    const { entry } = member
    const name = posix.normalize(entry.name).replace(/\/+$/, '')
    // The archive's own top does not change the directory that it is unpacked in.
    if (name === '.') return
    const shown = posix.join('/', name)
    const call = calls[entry.type]
    const where = call === 'link' || call === 'symlink' ? `${linkTarget(entry)} ${shown}` : shown
    try {
      await this.#put(member, shown, `${call} ${where}`)
    } catch (error) {
      throw this.#inGoWords(error, call, where, shown)
    }
  }

  /** Gives directories their times. */
  finish(): void {
    for (const [path, mtimeNs] of this.#times)
      if (this.#look(path)?.kind === 'directory') this.#tree.setAttributes(this.#at(path), { mtimeNs })
  }

  async #put(member: TarMember, shown: string, what: string): Promise<void> {
    const { entry } = member
    const isDirectory = entry.type === 'directory'
    const path =
      shown === '/' ? '/' : joinPath(this.#parent(posix.dirname(shown), what), posix.basename(shown))
    const there = this.#look(path)
    const attributes = this.#attributes(entry)
    if (isDirectory && there?.kind === 'directory') this.#tree.setAttributes(this.#at(path), attributes)
    else {
      if (path === '/') throw new SlipwayError('failed-precondition', 'unlinkat /: device or resource busy')
      if (there !== undefined) this.#remove(path)
      await this.#make(member, path, attributes, what)
    }
    if (isDirectory) this.#times.set(path, attributes.mtimeNs ?? 0n)
  }

  async #make(member: TarMember, path: string, attributes: EntryAttributes, what: string): Promise<void> {
    const { entry } = member
    const at = this.#at(path)
    switch (entry.type) {
      case 'directory':
        return this.#tree.mkdir(at, attributes)
      case 'file':
        return writeContent(member, at, attributes, this.#tree)
      case 'hardlink':
        return this.#link(entry, path, attributes, what)
      case 'symlink':
        return this.#tree.symlink(at, entry.linkname, attributes)
      case 'char':
      case 'block':
      case 'fifo': {
        const node = { kind: entry.type, devmajor: entry.devmajor, devminor: entry.devminor }
        return this.#tree.mknod(at, node, attributes)
      }
      default:
        return entry.type satisfies never
    }
  }

  /** A link gives the file what its own header says, as if it were a file again. */
  #link(entry: TarEntry, path: string, attributes: EntryAttributes, what: string): void {
    const existing = resolvePath(linkTarget(entry), at => this.#look(at), false)
    const found = this.#look(existing)
    if (found === undefined) throw new SlipwayError('not-found', `${what}: no such file or directory`)
    this.#tree.link(this.#at(path), this.#at(existing))
    const { mtimeNs: _, ...timeless } = attributes
    this.#tree.setAttributes(this.#at(path), found.kind === 'symlink' ? timeless : attributes)
  }

  /** The directory that a name leads to, made with those above it where nothing is there. */
  #parent(path: string, what: string, dangling = `${what}: no such file or directory`): string {
    if (path === '/') return '/'
    const known = this.#directories.get(path)
    if (known !== undefined) return known
    const above = posix.dirname(path)
    const at = joinPath(this.#parent(above, what, `mkdir ${above}: file exists`), posix.basename(path))
    const kind = this.#look(at)?.kind
    if (kind === undefined) this.#tree.mkdir(this.#at(at), { mode: 0o755, uid: 0, gid: 0 })
    const real = kind === 'symlink' ? resolvePath(at, one => this.#look(one), true) : at
    const found = this.#look(real)?.kind
    if (found === undefined) throw new SlipwayError('not-found', dangling)
    if (found !== 'directory') throw new SlipwayError('failed-precondition', `${what}: not a directory`)
    this.#directories.set(path, real)
    return real
  }

  #remove(path: string): void {
    this.#directories.clear()
    this.#tree.remove(this.#at(path))
  }

  #attributes(entry: TarEntry): EntryAttributes {
    const { mode, mtimeNs, xattrs } = entry
    const { uid, gid } = this.#owner ?? entry
    return { mode, uid, gid, xattrs, mtimeNs: mtimeNs < 0n || mtimeNs > latestNs ? 0n : mtimeNs }
  }

  /** What is at a canonical path below the base. */
  #look(path: string): Entry | undefined {
    return this.#tree.lstat(this.#at(path))
  }

  #at(path: string): string {
    return path === '/' ? this.#base : posix.join(this.#base, path)
  }

  #inGoWords(error: unknown, call: string, where: string, shown: string): unknown {
    if (error instanceof Error && error.message === 'too many links')
      return new SlipwayError('failed-precondition', `${call} ${where}: too many levels of symbolic links`)
    if (error instanceof Error && error.message.endsWith(': file name too long'))
      return new SlipwayError('failed-precondition', `${call} ${where}: file name too long`, { cause: error })
    const { path: _, ...facts } = error as { readonly path?: string; readonly syscall?: string }
    const xattr = facts.syscall === 'lsetxattr'
    const text = xattr ? goErrnoText(facts, 'lsetxattr', shown) : goErrnoText(facts, call, where)
    return text === undefined ? error : new SlipwayError('failed-precondition', text, { cause: error })
  }
}

/** The system call that each kind is made with. */
const calls: Readonly<Record<TarEntry['type'], string>> = {
  file: 'open',
  directory: 'mkdir',
  hardlink: 'link',
  symlink: 'symlink',
  char: 'mknod',
  block: 'mknod',
  fifo: 'mknod',
}

const linkTarget = ({ type, linkname }: TarEntry): string =>
  type === 'hardlink' ? posix.join('/', linkname) : linkname

/** Attributes come last: writing takes setuid bits and capabilities away. */
async function writeContent(
  { entry, content }: TarMember,
  path: string,
  attributes: EntryAttributes,
  tree: WritableTree,
): Promise<void> {
  if (entry.size <= mostGathered) {
    const pieces = await Array.fromAsync(content)
    tree.writeFile(path, attributes, fd => {
      for (const { bytes, offset } of pieces) writeFullyAt(fd, bytes, offset)
      ftruncateSync(fd, entry.size)
    })
    return
  }
  tree.writeFile(path, { mode: 0o600 }, fd => ftruncateSync(fd, entry.size))
  const fd = openSync(fsPath(tree.realPath(path)), 'r+')
  try {
    for await (const { bytes, offset } of content) writeFullyAt(fd, bytes, offset)
  } finally {
    closeSync(fd)
  }
  tree.setAttributes(path, attributes)
}
