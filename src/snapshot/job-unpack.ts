import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { decompress } from '../compression/decompress.ts'
import { asSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { Digest } from '../oci/digest.ts'
import { goErrnoText } from '../sys/errno-error.ts'
import { filterThrough } from '../sys/filter-process.ts'
import type { JobContext } from '../sys/job-protocol.ts'
import { TarReader } from '../tar/reader.ts'
import { type ApplyOptions, LayerApplier } from './layer-applier.ts'

/** A blob and where it goes. */
export interface UnpackInput extends ApplyOptions {
  /** File with the blob, in any compression. */
  readonly path: string
  /** Digest that the uncompressed archive must have. */
  readonly diffId: Digest
}

/** What is known of the files that were unpacked. */
export interface UnpackOutput {
  /** Sum of the lengths of all files, where it is known. */
  readonly contentBytes: number | undefined
}

/** Unpacks a layer blob into an upper directory, checking its digest on the way. What was unpacked before a failure is the caller's to remove. */
export async function unpackLayer(
  input: UnpackInput,
  context: Pick<JobContext, 'signal' | 'check'>,
): Promise<UnpackOutput> {
  const applier = new LayerApplier(input)
  const reader = new TarReader(applier)
  const hash = createHash('sha256')
  try {
    const source = decompress(readBlob(input.path), { signal: context.signal, filter: filterThrough })
    for await (const chunk of source) {
      context.check()
      hash.update(chunk)
      applyChunk(reader, chunk, applier)
    }
    reader.end()
    applier.complete()
  } catch (error) {
    throw wrapError('failed to extract layer', error)
  } finally {
    applier.close()
  }
  const diffId = `sha256:${hash.digest('hex')}`
  if (diffId !== input.diffId) {
    throw new SlipwayError('data-loss', `wrong diff id calculated on extraction ${JSON.stringify(diffId)}`)
  }
  return { contentBytes: applier.contentBytes }
}

/** A system call that fails is told with the member's name, not with its place in the state directory. */
function applyChunk(reader: TarReader, chunk: Uint8Array, applier: LayerApplier): void {
  try {
    reader.write(chunk)
  } catch (error) {
    const { syscall = 'apply', errno, code } = error as NodeJS.ErrnoException
    const text = goErrnoText({ errno, code }, syscall, applier.memberName)
    if (text === undefined) throw error
    const { code: kind, hint } = asSlipwayError(error)
    throw new SlipwayError(kind, text, { cause: error, ...(hint === undefined ? {} : { hint }) })
  }
}

const chunkSize = 512 * 1024

/** Sync reads: this thread has nothing else to do, and the file is in the page cache as a rule. */
async function* readBlob(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const fd = openSync(path, 'r')
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafeSlow(chunkSize)
      const n = readSync(fd, chunk)
      if (n === 0) return
      yield chunk.subarray(0, n)
    }
  } finally {
    closeSync(fd)
  }
}
