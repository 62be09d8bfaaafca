import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ByteStream } from '../bytes/byte-stream.ts'
import type { Platform } from '../oci/descriptor.ts'
import { mergeOciArchives } from './merge-oci.ts'

/**
 * An OCI archive of several platforms as docker's classic image store reads it: the image of `native`, or else of the
 * first platform, is the one that is loaded. The archive is kept in `tempDir` meanwhile.
 */
export async function* nativeArchive(
  archive: ByteStream,
  options: { readonly platforms: readonly Platform[]; readonly native: Platform; readonly tempDir: string },
): AsyncGenerator<Uint8Array> {
  const folder = await mkdtemp(join(options.tempDir, 'slipway-load-'))
  try {
    const path = join(folder, 'image.tar')
    await pipeline(archive, createWriteStream(path))
    const { platforms, native } = options
    yield* mergeOciArchives([{ path, platforms }], { platforms, docker: native })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
