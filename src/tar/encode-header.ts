import { compareNames, encodeName } from '../bytes/path-string.ts'
import { blockSize, type TarEntry, typeFlags } from './entry.ts'
import { fitsOctal, writeOctal } from './number-field.ts'
import { formatPaxRecord, formatPaxTime } from './pax.ts'

const nsPerSecond = 1_000_000_000n
const maxSecond = 8n ** 11n

/** How a header may be written. */
export interface HeaderOptions {
  /**
   * `pax` writes an extended header for each value that the block cannot hold. `ustar` first tries to split a long name
   * into prefix and name. Go's archive/tar does the former for members of layers and the latter for whiteouts, so the
   * same bytes come out here. @default 'pax'
   */
  readonly format?: 'pax' | 'ustar'
}

/**
 * The header of a member: one block, behind an extended header where a value does not fit. Content and padding follow
 * it for files. The bytes are those of Go's archive/tar (`Format: FormatPAX`), which decide layer digests.
 */
export function encodeHeader(entry: TarEntry, options: HeaderOptions = {}): Buffer {
  const name = encodeName(entry.name)
  const linkname = encodeName(entry.linkname)
  const records = paxRecords(entry, name, linkname)
  const prefix =
    options.format === 'ustar' && records.size === 1 && records.has('path') ? splitName(name) : undefined
  if (prefix !== undefined) records.delete('path')
  const block = headerBlock(entry, prefix?.name ?? name, linkname)
  if (prefix !== undefined) prefix.prefix.copy(block, 345)
  writeChecksum(block)
  if (records.size === 0) return block
  const body = Buffer.concat(
    [...records].sort(([a], [b]) => compareNames(a, b)).map(([k, v]) => formatPaxRecord(k, v)),
  )
  return Buffer.concat([paxBlock(entry.name, body.length), body, padding(body.length), block])
}

/** Zero bytes that fill content of `size` bytes up to a whole block. */
export function padding(size: number): Buffer {
  return zeros.subarray(0, (blockSize - (size % blockSize)) % blockSize)
}

/** The two empty blocks behind the last member. */
export const endOfArchive: Uint8Array = Buffer.alloc(2 * blockSize)

const zeros = Buffer.alloc(blockSize)

function paxRecords(entry: TarEntry, name: Buffer, linkname: Buffer): Map<string, string | Uint8Array> {
  const records = new Map<string, string | Uint8Array>()
  if (name.length > 100 || !isAscii(name)) records.set('path', name)
  if (linkname.length > 100 || !isAscii(linkname)) records.set('linkpath', linkname)
  if (!fitsOctal(entry.uid, 8)) records.set('uid', String(entry.uid))
  if (!fitsOctal(entry.gid, 8)) records.set('gid', String(entry.gid))
  if (!fitsOctal(entry.size, 12)) records.set('size', String(entry.size))
  const whole = entry.mtimeNs % nsPerSecond === 0n
  const fits = entry.mtimeNs >= 0n && entry.mtimeNs / nsPerSecond < maxSecond
  if (!whole || !fits) records.set('mtime', formatPaxTime(entry.mtimeNs))
  for (const [key, value] of entry.xattrs) records.set(`SCHILY.xattr.${key}`, value)
  return records
}

function headerBlock(entry: TarEntry, name: Buffer, linkname: Buffer): Buffer {
  const block = Buffer.alloc(blockSize)
  writeText(block, name, 0, 100)
  writeOctal(block, entry.mode, 100, 8)
  writeOctal(block, entry.uid, 108, 8)
  writeOctal(block, entry.gid, 116, 8)
  writeOctal(block, entry.size, 124, 12)
  writeOctal(block, Number(floorSeconds(entry.mtimeNs)), 136, 12)
  block.write(typeFlags[entry.type], 156, 1, 'latin1')
  writeText(block, linkname, 157, 100)
  block.write('ustar\x0000', 257, 8, 'latin1')
  writeOctal(block, entry.devmajor, 329, 8)
  writeOctal(block, entry.devminor, 337, 8)
  return block
}

function floorSeconds(ns: bigint): bigint {
  const rest = ((ns % nsPerSecond) + nsPerSecond) % nsPerSecond
  return (ns - rest) / nsPerSecond
}

/** The block before extended records. Its name is for people only: `dir/PaxHeaders.0/file`, cut to the field. */
function paxBlock(name: string, size: number): Buffer {
  const slash = name.lastIndexOf('/')
  const label = cleanPath(`${name.slice(0, slash + 1)}PaxHeaders.0/${name.slice(slash + 1)}`)
  const ascii = toAscii(encodeName(label))
  let end = Math.min(ascii.length, 100)
  while (end > 0 && ascii[end - 1] === slashByte) end--
  const block = Buffer.alloc(blockSize)
  ascii.copy(block, 0, 0, end)
  for (const start of [100, 108, 116]) writeOctal(block, 0, start, 8)
  writeOctal(block, size, 124, 12)
  writeOctal(block, 0, 136, 12)
  block.write('x', 156, 1, 'latin1')
  block.write('ustar\x0000', 257, 8, 'latin1')
  writeChecksum(block)
  return block
}

const slashByte = 0x2f

/** Go's path.Clean for what a label can be: no empty and no `.` parts, `..` takes a part away. */
function cleanPath(path: string): string {
  const parts: string[] = []
  const rooted = path.startsWith('/')
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '..' || !rooted) parts.push(part)
  }
  return (rooted ? '/' : '') + parts.join('/')
}

/** A text field: ASCII only, ended by NUL where there is room. A cut name must not look like a directory's. */
function writeText(block: Buffer, text: Buffer, start: number, length: number): void {
  const ascii = toAscii(text)
  ascii.copy(block, start, 0, length)
  if (ascii.length <= length || block[start + length - 1] !== slashByte) return
  let end = start + length - 1
  while (end > start && block[end - 1] === slashByte) end--
  block[end] = 0
}

function toAscii(text: Buffer): Buffer {
  return isAscii(text) ? text : (text.filter(byte => byte > 0 && byte < 0x80) as Buffer)
}

function isAscii(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte >= 0x80 || byte === 0) return false
  return true
}

/** A name cut at a slash into at most 155 and 100 bytes, if that can be. */
function splitName(name: Buffer): { readonly prefix: Buffer; readonly name: Buffer } | undefined {
  if (!isAscii(name)) return undefined
  let length = name.length
  if (length > 156) length = 156
  else if (name[length - 1] === slashByte) length--
  const at = name.subarray(0, length).lastIndexOf(slashByte)
  const rest = name.length - at - 1
  if (at <= 0 || rest > 100 || rest === 0 || at > 155) return undefined
  return { prefix: name.subarray(0, at), name: name.subarray(at + 1) }
}

function writeChecksum(block: Buffer): void {
  block.fill(0x20, 148, 156)
  let sum = 0
  for (const byte of block) sum += byte
  writeOctal(block, sum, 148, 7)
  block[155] = 0x20
}
