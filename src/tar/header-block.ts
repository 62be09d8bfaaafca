import { decodeName } from '../bytes/path-string.ts'
import { parseNumber } from './number-field.ts'
import { tarError } from './tar-error.ts'

/** The fields of one header block, before extended headers change them. */
export interface HeaderBlock {
  name: string
  linkname: string
  mode: number
  uid: number
  gid: number
  /** Bytes that follow in the archive. */
  size: number
  /** Seconds since 1970. */
  mtime: number
  typeflag: string
  devmajor: number
  devminor: number
}

/** Field offsets. Source: POSIX pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format". */
export const field = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  typeflag: [156, 1],
  linkname: [157, 100],
  magic: [257, 8],
  uname: [265, 32],
  gname: [297, 32],
  devmajor: [329, 8],
  devminor: [337, 8],
  prefix: [345, 155],
} as const satisfies Record<string, readonly [offset: number, length: number]>

const number = (block: Buffer, [offset, length]: readonly [number, number]): number =>
  parseNumber(block, offset, length)

/** Reads a block of 512 bytes. Throws `data-loss` where the checksum or a number is wrong. */
export function parseHeaderBlock(block: Buffer): HeaderBlock {
  verifyChecksum(block)
  const magic = block.toString('latin1', 257, 265)
  const posix = magic === 'ustar\x0000'
  const known = posix || isGnu(block)
  const star = posix && block.toString('latin1', 508, 512) === 'tar\0'
  const name = text(block, 0, 100)
  const prefix = posix || hasBuggyPrefix(block) ? text(block, 345, star ? 131 : 155) : ''
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkname: text(block, 157, 100),
    mode: number(block, field.mode) & 0o7777,
    uid: number(block, field.uid),
    gid: number(block, field.gid),
    size: number(block, field.size),
    mtime: number(block, field.mtime),
    typeflag: String.fromCharCode(block[156] as number),
    devmajor: known ? number(block, field.devmajor) : 0,
    devminor: known ? number(block, field.devminor) : 0,
  }
}

/** Whether a header block is in GNU's old form. */
export function isGnu(block: Buffer): boolean {
  return block.toString('latin1', 257, 265) === 'ustar  \0'
}

/**
 * GNU headers have times where POSIX has the prefix; writers that mixed the two up put text there.
 * Source: `readHeader` of https://github.com/golang/go/blob/go1.25.0/src/archive/tar/reader.go
 */
function hasBuggyPrefix(block: Buffer): boolean {
  if (!isGnu(block)) return false
  try {
    for (const at of [345, 357]) if (block[at] !== 0) parseNumber(block, at, 12)
    return false
  } catch {
    return block.subarray(345, 500).every(byte => byte < 0x80)
  }
}

/** The text of a field up to its first NUL. */
function text(block: Buffer, start: number, length: number): string {
  let end = block.indexOf(0, start)
  if (end < 0 || end > start + length) end = start + length
  return decodeName(block.subarray(start, end))
}

/** Sums bytes as unsigned, as the standard says, and as signed, as some old programs did. */
function verifyChecksum(block: Buffer): void {
  const wanted = number(block, field.checksum)
  let unsigned = 8 * 0x20
  let signed = unsigned
  for (let i = 0; i < 512; i++) {
    if (i === 148) i = 156
    const byte = block[i] as number
    unsigned += byte
    signed += byte < 128 ? byte : byte - 256
  }
  if (wanted !== unsigned && wanted !== signed) throw tarError('invalid tar header')
}
