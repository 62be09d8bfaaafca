import { availableParallelism } from 'node:os'
import { decompress } from '../compression/decompress.ts'
import { LayoutStore } from '../content/layout-store.ts'
import { wrapError } from '../errors/slipway-error.ts'
import type { Digest } from '../oci/digest.ts'
import { filterThrough } from '../sys/filter-process.ts'
import type { JobContext } from '../sys/job-protocol.ts'
import { mostParallel, type PackOutput } from './job-pack.ts'
import { type PackCompression, packStream } from './pack-stream.ts'
import { rewriteTar } from './rewrite-tar.ts'

/** A blob of a layout, to be packed in another way. */
export interface RepackInput {
  /** Root of the OCI layout. */
  readonly content: string
  readonly blob: Digest
  readonly compression: PackCompression
  readonly epochSeconds?: number
}

/** Unpacks a blob and packs its archive again, in one pass. */
export async function repackLayer(
  input: RepackInput,
  context: Pick<JobContext, 'signal' | 'check'>,
): Promise<PackOutput> {
  const { signal } = context
  const store = new LayoutStore(input.content, { removeDamaged: true })
  const parallel = Math.min(availableParallelism(), mostParallel) + 1
  try {
    await using writer = await store.writer()
    const archive = decompress(store.read(input.blob, { signal }), { signal, filter: filterThrough })
    const source = input.epochSeconds === undefined ? archive : rewriteTar(archive, input.epochSeconds)
    const packed = await packStream(source, input.compression, writer, { parallel, signal })
    return { ...(await writer.commit()), ...packed }
  } catch (error) {
    throw wrapError(`failed to convert ${input.blob}`, error)
  }
}
