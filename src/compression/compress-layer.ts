import { createHash } from 'node:crypto'
import { SlipwayError } from '../errors/slipway-error.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import { compressBlocks } from './compress-blocks.ts'

import { gzipFormat } from './gzip-format.ts'
import { zstdFormat } from './zstd-format.ts'

/** How a layer is packed. */
export interface LayerCompression {
  readonly type: 'uncompressed' | 'gzip' | 'zstd'
  /** gzip 0 to 9, zstd 0 to 22; absent, the type's own default. */
  readonly level?: number
}

/** Where the packed bytes go. */
export interface ByteSink {
  write(chunk: Uint8Array): Promise<void>
}

/**
 * Packs a layer archive in one pass: hashes it, compresses it, and hands the result to `sink`. Answers the digest of the
 * uncompressed archive (diffID). The result is the same on every machine. Throws `invalid-argument` for a level that the
 * type does not have.
 */
export async function compressLayer(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  compression: LayerCompression,
  sink: ByteSink,
  options: { readonly parallel: number; readonly signal?: AbortSignal | undefined },
): Promise<{ readonly diffId: Digest }> {
  const hash = createHash('sha256')
  for await (const chunk of packed(hashed(source, hash), compression, options)) await sink.write(chunk)
  return { diffId: parseDigest(`sha256:${hash.digest('hex')}`) }
}

async function* hashed(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  hash: { update(chunk: Uint8Array): unknown },
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    hash.update(chunk)
    yield chunk
  }
}

function packed(
  source: AsyncIterable<Uint8Array>,
  compression: LayerCompression,
  options: { readonly parallel: number; readonly signal?: AbortSignal | undefined },
): AsyncIterable<Uint8Array> {
  const { type, level } = compression
  switch (type) {
    case 'uncompressed':
      return source
    case 'gzip':
      return compressBlocks(source, gzipFormat(gzipLevel(level)), options)
    case 'zstd':
      return compressBlocks(
        source,
        zstdFormat(level === undefined ? undefined : Math.min(Math.max(level, 0), 22)),
        options,
      )
    default:
      return type satisfies never
  }
}

/** A level of gzip as Go takes it: below 0 means the default. Throws `invalid-argument`. */
export function gzipLevel(level: number | undefined): number | undefined {
  if (level === undefined || level === -1 || level === -2) return undefined
  if (Number.isInteger(level) && level >= 0 && level <= 9) return level
  throw new SlipwayError('invalid-argument', `gzip: invalid compression level: ${level}`)
}
