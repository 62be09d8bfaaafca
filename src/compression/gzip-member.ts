import { promisify } from 'node:util'
import { crc32, deflateRaw } from 'node:zlib'

const deflate = promisify(deflateRaw)

/** One whole gzip member of its own, without name and time, made on a thread of its own. Source: RFC 1952. */
export async function gzipMember(bytes: Buffer, level: number): Promise<Buffer> {
  const body = await deflate(bytes, {
    level,
    memLevel: 9,
    chunkSize: Math.max(64, bytes.length + (bytes.length >> 10) + 1024),
  })
  return Buffer.concat([gzipHeader(level), body, gzipTrailer(crc32(bytes), bytes.length)])
}

/**
 * Memory to get ready for what `size` bytes become: half of them, which is enough for most and a second piece for the
 * rest. Room for the worst case would mostly be garbage.
 */
export function outputSize(size: number): number {
  return Math.max(1024, size >> 1)
}

/** First bytes of a member. */
export function gzipHeader(level: number): Uint8Array {
  return Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, level === 9 ? 2 : level === 1 ? 4 : 0, 255)
}

/** Last bytes of a member that holds `size` bytes. */
export function gzipTrailer(crc: number, size: number): Uint8Array {
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc >>> 0, 0)
  trailer.writeUInt32LE(size % 2 ** 32, 4)
  return trailer
}
