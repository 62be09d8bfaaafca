import { promisify } from 'node:util'
import { constants, deflateRaw } from 'node:zlib'
import type { BlockFormat } from './compress-blocks.ts'
import { gzipHeader, gzipTrailer, outputSize } from './gzip-member.ts'

const deflate = promisify(deflateRaw)

/** Level that is used when none is asked for: 6 takes 1.7 times as long for 0.5 % less (a layer of system libraries, 697 MB). */
export const defaultGzipLevel = 5

const blockSize = 512 * 1024
const windowSize = 32 * 1024
/** An empty last block, in fixed codes. Source: RFC 1951, 3.2.6. */
const lastBlock = Uint8Array.of(0x03, 0x00)

/**
 * One gzip member whose deflate blocks are made piece by piece: each piece ends on a byte (sync flush) and may refer to
 * the 32 KiB before it, so little is lost against one stream. No name, no time. `level` 0 to 9. Source: RFC 1952.
 */
export function gzipFormat(level: number = defaultGzipLevel): BlockFormat {
  return {
    blockSize,
    dictionarySize: windowSize,
    header: gzipHeader(level),
    compress: async (block, dictionary) =>
      await deflate(block, {
        level,
        memLevel: 9,
        finishFlush: constants.Z_SYNC_FLUSH,
        chunkSize: outputSize(block.length),
        ...(dictionary.length > 0 ? { dictionary } : {}),
      }),
    trailer: (crc, size) => Buffer.concat([lastBlock, gzipTrailer(crc, size)]),
  }
}
