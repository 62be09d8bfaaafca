import { type BigIntStats, lstatSync, readlinkSync } from 'node:fs'
import { decodeName, fsPath } from '../bytes/path-string.ts'
import { splitDevice } from '../sys/device.ts'
import { errnoOf } from '../sys/errno-error.ts'
import type { Entry, EntryKind } from './tree.ts'

/** `lstat` of a path on disk; undefined where nothing is there, or something on the way is no directory. */
export function statPath(path: string): BigIntStats | undefined {
  try {
    return lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOTDIR' || code === 'ENOENT') return undefined
    throw error
  }
}

/** The entry behind a `stat` of `path`. */
export function entryOf(path: string, stat: BigIntStats): Entry {
  const kind = kindOf(stat)
  const isDevice = kind === 'char' || kind === 'block'
  const device = isDevice ? splitDevice(stat.rdev) : undefined
  return {
    kind,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: kind === 'file' ? Number(stat.size) : 0,
    mtimeNs: stat.mtimeNs,
    ...(kind === 'symlink' ? { linkname: readLink(path) } : {}),
    ...(device === undefined ? {} : { devmajor: device.major, devminor: device.minor }),
    ...(stat.nlink > 1n && kind !== 'directory' ? { hardlinkKey: `${stat.dev}:${stat.ino}` } : {}),
  }
}

/** What kind of entry a `stat` tells of. */
export function kindOf(stat: BigIntStats): EntryKind {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symlink'
  if (stat.isFIFO()) return 'fifo'
  if (stat.isCharacterDevice()) return 'char'
  if (stat.isBlockDevice()) return 'block'
  return 'socket'
}

/** Target of a symlink on disk. */
export function readLink(path: string): string {
  return decodeName(readlinkSync(fsPath(path), { encoding: 'buffer' }))
}
