import type { BigIntStats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { create } from '@bufbuild/protobuf'
import { decodeName, fsPath } from '../../bytes/path-string.ts'
import { isSlipwayError } from '../../errors/slipway-error.ts'
import { type Stat, StatSchema } from '../../proto/gen/fsutil_pb.ts'
import { splitDevice } from '../../sys/device.ts'
import { getXattrs } from '../../sys/xattr.ts'
import { toGoMode } from './go-mode.ts'

/** An entry of a directory as it travels, and what tells whether it is a further name of another. */
export interface StatEntry {
  readonly stat: Stat
  /** Set for files with more than one name: equal for all names of one file. */
  readonly inode: string | undefined
}

/** Reads what is to be known of `full`, to be called `path` on the other side. Throws system errors. */
export async function statEntry(full: string, path: string): Promise<StatEntry> {
  const file = fsPath(full)
  const stats = await lstat(file, { bigint: true })
  const isLink = stats.isSymbolicLink()
  const device = stats.isBlockDevice() || stats.isCharacterDevice() ? splitDevice(stats.rdev) : undefined
  const stat = create(StatSchema, {
    path,
    mode: toGoMode(Number(stats.mode)),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: stats.isDirectory() ? 0n : stats.size,
    modTime: stats.mtimeNs,
    linkname: isLink ? decodeName(await readlink(file, { encoding: 'buffer' })) : '',
    devmajor: BigInt(device?.major ?? 0),
    devminor: BigInt(device?.minor ?? 0),
    xattrs: readXattrs(full),
  })
  return { stat, inode: inodeOf(stats) }
}

function inodeOf(stats: BigIntStats): string | undefined {
  const linkable = !stats.isDirectory() && !stats.isSymbolicLink() && stats.nlink > 1n
  return linkable ? `${stats.dev}:${stats.ino}` : undefined
}

/** Extended attributes; none where the system call bindings are not installed, which only plain clients lack. */
function readXattrs(full: string): Record<string, Uint8Array> {
  try {
    return Object.fromEntries([...getXattrs(full)].filter(([name]) => !name.startsWith('com.apple.')))
  } catch (error) {
    if (isSlipwayError(error)) return {}
    throw error
  }
}
