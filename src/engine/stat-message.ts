import type { MessageInitShape } from '@bufbuild/protobuf'
import { encodeName } from '../bytes/path-string.ts'
import type { StatSchema } from '../proto/gen/fsutil_pb.ts'
import type { NamedEntry } from './ref-files.ts'

/** Type and special bits of Go's os.FileMode. Source: https://pkg.go.dev/io/fs#FileMode */
const goMode = {
  directory: 2 ** 31,
  symlink: 2 ** 27,
  block: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  char: 2 ** 26 + 2 ** 21,
  file: 0,
} as const satisfies Record<NamedEntry['kind'], number>

const setuid = 2 ** 23
const setgid = 2 ** 22
const sticky = 2 ** 20

/** An entry as fsutil's Stat. */
export function statMessage(entry: NamedEntry): MessageInitShape<typeof StatSchema> {
  const special =
    (entry.mode & 0o4000 ? setuid : 0) +
    (entry.mode & 0o2000 ? setgid : 0) +
    (entry.mode & 0o1000 ? sticky : 0)
  return {
    path: entry.path,
    mode: goMode[entry.kind] + special + (entry.mode & 0o777),
    uid: entry.uid,
    gid: entry.gid,
    size: BigInt(sizeOf(entry)),
    modTime: entry.mtimeNs,
    linkname: entry.linkname ?? '',
    devmajor: BigInt(entry.devmajor ?? 0),
    devminor: BigInt(entry.devminor ?? 0),
  }
}

function sizeOf(entry: NamedEntry): number {
  if (entry.kind === 'symlink') return encodeName(entry.linkname ?? '').length
  return entry.kind === 'file' ? entry.size : 0
}
