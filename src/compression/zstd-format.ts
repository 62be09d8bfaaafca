import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import type { BlockFormat } from './compress-blocks.ts'
import { outputSize } from './gzip-member.ts'

const compress = promisify(zstdCompress)

/** Level that is used when none is asked for. */
export const defaultZstdLevel = 3

const frameSize = 2 << 20

/**
 * A zstd stream of frames that follow each other, which every decoder reads as one. `level` 0 (the default) to 22.
 * Source: RFC 8878, 3.1.
 */
export function zstdFormat(level: number = defaultZstdLevel): BlockFormat {
  return {
    blockSize: frameSize,
    dictionarySize: 0,
    header: new Uint8Array(0),
    compress: async block =>
      await compress(block, {
        params: { [constants.ZSTD_c_compressionLevel]: level },
        chunkSize: outputSize(block.length),
        pledgedSrcSize: block.length,
      }),
    trailer: (_, size) => (size === 0 ? emptyFrame : new Uint8Array(0)),
  }
}

/** Magic, a header with a content size of 0 in a single segment, one empty last raw block. */
const emptyFrame = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00)
