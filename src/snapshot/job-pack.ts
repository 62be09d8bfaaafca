import { availableParallelism } from 'node:os'
import { LayoutStore } from '../content/layout-store.ts'
import { wrapError } from '../errors/slipway-error.ts'
import type { Digest } from '../oci/digest.ts'
import type { JobContext } from '../sys/job-protocol.ts'
import { layerTar } from './layer-tar.ts'
import { type PackCompression, type PackedStream, packStream } from './pack-stream.ts'

/** A layer and the layout that gets its blob. */
export interface PackInput {
  readonly upper: string
  /** The layers it was made on, lowest first; absent where they are gone. */
  readonly lowers?: readonly string[] | undefined
  /** Root of the OCI layout. */
  readonly content: string
  readonly compression: PackCompression
  readonly epochSeconds?: number
}

/** A layer that was packed: its blob, and the sum of the lengths of its files, in bytes. */
export interface PackLayerOutput extends PackOutput {
  readonly contentBytes: number
}

/** The blob that was made. Bytes. */
export interface PackOutput extends PackedStream {
  readonly digest: Digest
  readonly size: number
}

/** Pieces that are compressed at once, whatever the number of cores: each takes memory. */
export const mostParallel = 16

/** Packs a layer directory into a blob: archive, digests, compression and writing in one pass. */
export async function packLayer(
  input: PackInput,
  context: Pick<JobContext, 'signal' | 'check'>,
): Promise<PackLayerOutput> {
  const { upper, lowers, epochSeconds } = input
  const parallel = Math.min(availableParallelism(), mostParallel) + 1
  try {
    await using writer = await new LayoutStore(input.content).writer()
    let contentBytes = 0
    const onContentBytes = (bytes: number): void => void (contentBytes = bytes)
    const epoch = epochSeconds === undefined ? {} : { epochSeconds }
    const source = layerTar({ upper, lowers, check: context.check, onContentBytes, ...epoch })
    const packed = await packStream(source, input.compression, writer, {
      parallel,
      signal: context.signal,
    })
    return { ...(await writer.commit()), ...packed, contentBytes }
  } catch (error) {
    throw wrapError('failed to compute blob of a layer', error)
  }
}
