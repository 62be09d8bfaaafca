import { isUtf8 } from 'node:buffer'

/**
 * File names are bytes. In this code base they are strings in which each byte that is not valid UTF-8 is a lone
 * surrogate U+DC80..U+DCFF (the form of Python's "surrogateescape"), so that ordinary names are ordinary strings and
 * odd ones survive the round trip.
 */
const escaped = /[\udc80-\udcff]/

/** Bytes of a name as a path string. */
export function decodeName(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  let out = ''
  let at = 0
  while (at < bytes.length) {
    const width = validWidth(bytes, at)
    if (width === 0) {
      out += String.fromCharCode(0xdc00 + (bytes[at] as number))
      at += 1
    } else {
      out += Buffer.from(bytes.subarray(at, at + width)).toString('utf8')
      at += width
    }
  }
  return out
}

/** Width in bytes of the valid UTF-8 sequence at `at`, or 0. */
function validWidth(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number
  const width =
    first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  if (width === 0 || at + width > bytes.length) return 0
  return isUtf8(bytes.subarray(at, at + width)) ? width : 0
}

/** The bytes of a path string. */
export function encodeName(name: string): Buffer {
  if (!escaped.test(name)) return Buffer.from(name, 'utf8')
  const parts: Buffer[] = []
  let plain = ''
  for (const char of name) {
    const unit = char.charCodeAt(0)
    if (char.length === 1 && unit >= 0xdc80 && unit <= 0xdcff) {
      parts.push(Buffer.from(plain, 'utf8'), Buffer.of(unit - 0xdc00))
      plain = ''
    } else plain += char
  }
  parts.push(Buffer.from(plain, 'utf8'))
  return Buffer.concat(parts)
}

/** A path string in the form that `node:fs` takes: itself, or its bytes where it is not UTF-8. */
export function fsPath(path: string): string | Buffer {
  return escaped.test(path) ? encodeName(path) : path
}

/** Order of two path strings by their bytes: negative, zero or positive. */
export function compareNames(a: string, b: string): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x < 0xd800 && y < 0xd800) return x - y
    return Buffer.compare(encodeName(a), encodeName(b))
  }
  return a.length - b.length
}
