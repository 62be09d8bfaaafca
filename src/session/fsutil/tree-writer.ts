import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lutimesSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import {
  chmod,
  type FileHandle,
  lchown,
  link,
  lstat,
  mkdir,
  open,
  rm,
  symlink,
  unlink,
} from 'node:fs/promises'
import { posix } from 'node:path'
import { fsPath } from '../../bytes/path-string.ts'
import { nameWriteError } from '../../bytes/whole-file.ts'
import { isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import type { Stat } from '../../proto/gen/fsutil_pb.ts'
import { mknod } from '../../sys/device.ts'
import { setTimes } from '../../sys/times.ts'
import { setXattr } from '../../sys/xattr.ts'
import { kindOf, unixPermissions } from './go-mode.ts'
import { comparePaths } from './sync-tree.ts'

/** A file that was made and waits for its content. `finish` gives it its metadata and closes it. */
export interface OpenedFile {
  write(chunk: Uint8Array): Promise<void>
  finish(): Promise<void>
  /** Closes it unfinished; harmless after `finish`. */
  abandon(): Promise<void>
}

/**
 * Makes the entries of a received tree below one directory. Callers give checked paths in walking order (`EntryOrder`).
 * What is in the way is replaced, never written through: a symlink of that name is removed, a file gets a new inode.
 */
export class TreeWriter {
  readonly #root: string
  readonly #directories: Stat[] = []

  constructor(root: string) {
    this.#root = root
  }

  /** Makes an entry of any kind but a regular file with content. */
  async make(stat: Stat): Promise<void> {
    const path = this.#at(stat.path)
    const kind = kindOf(stat.mode)
    if (kind === 'directory') {
      await this.#makeDirectory(path, stat)
      return
    }
    await clear(path)
    const permissions = unixPermissions(stat.mode)
    if (kind === 'symlink') await symlink(fsPath(stat.linkname), fsPath(path))
    else if (stat.linkname !== '') {
      await link(fsPath(this.#at(stat.linkname)), fsPath(path))
      return
    } else if (kind === 'file') throw new SlipwayError('internal', `${stat.path} has content`)
    else mknod(path, kind, permissions, Number(stat.devmajor), Number(stat.devminor))
    await setMetadata(path, stat)
  }

  /** Makes an empty regular file to be filled; its metadata is set when it is finished. */
  async open(stat: Stat): Promise<OpenedFile> {
    const path = this.#at(stat.path)
    await clear(path)
    const file = await open(fsPath(path), newFile, 0o600)
    let closed = false
    const close = async (): Promise<void> => {
      if (closed) return
      closed = true
      await file.close()
    }
    return {
      write: chunk =>
        writeAll(file, chunk).catch((error: unknown) => {
          throw nameWriteError(error, path)
        }),
      async finish() {
        await close()
        await setMetadata(path, stat)
      },
      abandon: close,
    }
  }

  /** Makes a regular file at once: for small ones, of which other threads would take longer to be told than to write them. */
  write(stat: Stat, content: readonly Uint8Array[]): void {
    const path = this.#at(stat.path)
    const fd = openNew(path)
    try {
      for (const chunk of content) writeFileSync(fd, chunk)
      fchownSync(fd, stat.uid, stat.gid)
      fchmodSync(fd, unixPermissions(stat.mode))
    } catch (error) {
      throw nameWriteError(error, path)
    } finally {
      closeSync(fd)
    }
    setXattrs(path, stat)
    setTime(path, stat)
  }

  /** Removes an entry with all below it. */
  async remove(path: string): Promise<void> {
    await rm(fsPath(this.#at(path)), { recursive: true, force: true })
  }

  /**
   * Gives directories their modes and times, which would hinder, or be changed by, making entries in them: those that were
   * made, and others in which something was.
   */
  async finish(others: readonly Stat[] = []): Promise<void> {
    const innermostFirst = [...new Set([...this.#directories, ...others])].sort((a, b) =>
      comparePaths(b.path, a.path),
    )
    for (const stat of innermostFirst) {
      const path = this.#at(stat.path)
      await chmod(fsPath(path), unixPermissions(stat.mode))
      setTime(path, stat)
    }
  }

  async #makeDirectory(path: string, stat: Stat): Promise<void> {
    const existing = await lstatIfAny(path)
    if (existing?.isDirectory() === true) await chmod(fsPath(path), 0o700)
    else {
      if (existing !== undefined) await unlink(fsPath(path))
      await mkdir(fsPath(path), 0o700)
    }
    await setOwner(path, stat)
    this.#directories.push(stat)
  }

  #at(path: string): string {
    return posix.join(this.#root, path)
  }
}

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

function openNew(path: string): number {
  try {
    return openSync(fsPath(path), newFile, 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    rmSync(fsPath(path), { recursive: true, force: true })
    return openSync(fsPath(path), newFile, 0o600)
  }
}

async function lstatIfAny(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(fsPath(path), { bigint: true })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function clear(path: string): Promise<void> {
  const existing = await lstatIfAny(path)
  if (existing === undefined) return
  if (existing.isDirectory()) await rm(fsPath(path), { recursive: true, force: true })
  else await unlink(fsPath(path))
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let at = 0
  while (at < chunk.length) at += (await file.write(chunk, at)).bytesWritten
}

async function setMetadata(path: string, stat: Stat): Promise<void> {
  await setOwner(path, stat)
  if (kindOf(stat.mode) !== 'symlink') await chmod(fsPath(path), unixPermissions(stat.mode))
  setTime(path, stat)
}

async function setOwner(path: string, stat: Stat): Promise<void> {
  await lchown(fsPath(path), stat.uid, stat.gid)
  setXattrs(path, stat)
}

function setXattrs(path: string, stat: Stat): void {
  for (const [name, value] of Object.entries(stat.xattrs)) {
    try {
      setXattr(path, name, value)
    } catch {
      // Not every file system takes every attribute; upstream goes on without it too.
    }
  }
}

function setTime(path: string, stat: Stat): void {
  try {
    setTimes(path, stat.modTime, stat.modTime)
  } catch (error) {
    // Without system call bindings times are a little coarse: fine for results, which nobody compares.
    if (!isSlipwayError(error)) throw error
    const seconds = Number(stat.modTime) / 1e9
    lutimesSync(fsPath(path), seconds, seconds)
  }
}
