import { decodeName } from '../bytes/path-string.ts'
import { noXattrs, type TarEntry, type TarType } from './entry.ts'
import type { HeaderBlock } from './header-block.ts'
import { type PaxRecord, parsePaxNumber, parsePaxTime } from './pax.ts'

/** The kind that each header letter stands for: `7` is a contiguous file, `S` GNU's sparse one, NUL the file of old archives. */
export const typeOfFlag: Readonly<Record<string, TarType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
}

/** Names that come from elsewhere than the header block and its PAX `path`: GNU's sparse and long name members. */
export interface OtherNames {
  readonly sparse: string | undefined
  readonly long: string | undefined
  readonly longLink: string | undefined
}

const xattrPrefix = 'SCHILY.xattr.'
const nsPerSecond = 1_000_000_000n

/**
 * The member that a header block and its extended records describe. Empty records leave the header's value alone, and in
 * old archives a file whose name ends with `/` is a directory, as in Go. `size` counts holes.
 */
export function buildEntry(
  header: HeaderBlock,
  pax: readonly PaxRecord[],
  size: number,
  names: OtherNames,
): TarEntry {
  let { name, linkname, uid, gid } = header
  let mtimeNs = BigInt(header.mtime) * nsPerSecond
  let xattrs: Map<string, Uint8Array> | undefined
  for (const [key, value] of pax) {
    if (key.startsWith(xattrPrefix)) {
      xattrs ??= new Map()
      xattrs.set(key.slice(xattrPrefix.length), Buffer.from(value))
    } else if (value.length === 0) continue
    else if (key === 'path') name = decodeName(value)
    else if (key === 'linkpath') linkname = decodeName(value)
    else if (key === 'uid') uid = parsePaxNumber(value.toString('latin1'))
    else if (key === 'gid') gid = parsePaxNumber(value.toString('latin1'))
    else if (key === 'mtime') mtimeNs = parsePaxTime(value.toString('latin1'))
    else if (key === 'atime' || key === 'ctime') parsePaxTime(value.toString('latin1'))
  }
  name = names.long || (names.sparse ?? name)
  let type = typeOfFlag[header.typeflag] as TarType
  if (header.typeflag === '\0' && name.endsWith('/')) type = 'directory'
  const isLink = type === 'symlink' || type === 'hardlink'
  return {
    type,
    name,
    linkname: isLink ? names.longLink || linkname : '',
    mode: header.mode,
    uid: ownerId(uid),
    gid: ownerId(gid),
    size: type === 'file' ? size : 0,
    mtimeNs,
    devmajor: header.devmajor,
    devminor: header.devminor,
    xattrs: xattrs ?? noXattrs,
  }
}

/** The low 32 bits, which are all that the kernel looks at. */
const ownerId = (id: number): number => Number(BigInt.asUintN(32, BigInt(id)))
