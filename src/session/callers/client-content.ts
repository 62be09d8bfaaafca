import { create } from '@bufbuild/protobuf'
import type { ByteStream } from '../../bytes/byte-stream.ts'
import { isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Digest, isDigest } from '../../oci/digest.ts'
import {
  Content,
  type WriteContentRequest,
  WriteContentRequestSchema,
  WriteAction,
} from '../../proto/gen/content_pb.ts'
import { storeIdKey } from '../attachables/content.ts'
import { callTalk } from '../converse.ts'
import type { SessionCaller } from '../session.ts'
import { callStream, callUnary, once } from '../transport/call.ts'

/** A store of blobs of the client: an OCI layout for `oci:<id>`, a cache directory for `local:<dir>`. */
export interface ClientContent {
  /** Size in bytes. Throws `not-found`. */
  size(digest: Digest, signal?: AbortSignal): Promise<number>
  /** `length` bytes from `offset` (default: all). Not verified: the reader checks the digest. Throws `not-found`. */
  read(
    digest: Digest,
    options?: { offset?: number; length?: number; signal?: AbortSignal | undefined },
  ): ByteStream
  /** Stores a blob; one that is there already is success. Throws `failed-precondition` where the bytes do not fit. */
  write(descriptor: Descriptor, bytes: ByteStream, signal?: AbortSignal): Promise<void>
  list(signal?: AbortSignal): AsyncIterable<{ readonly digest: Digest; readonly size: number }>
}

/** The store that takes an exported image. Source: https://github.com/moby/buildkit/blob/v0.32.2/exporter/oci/export.go */
export const exportStoreId = 'export'

/** Bytes that one message carries. */
const maxChunk = 1024 * 1024

/** The store of a client by its id. Nothing is asked before the first call. Throws `internal` for an id that no header can carry. */
export function clientContent(caller: SessionCaller, storeId: string): ClientContent {
  if (!/^[\x20-\x7e]*$/.test(storeId)) {
    throw new SlipwayError(
      'internal',
      `header key ${JSON.stringify(storeIdKey)} contains value with non-printable ASCII characters`,
    )
  }
  const { transport } = caller
  const { method } = Content
  const headers = new Headers({ [storeIdKey]: storeId })
  return {
    async size(digest, signal) {
      const { info } = await callUnary(transport, method.info, { digest }, { headers, signal })
      return Number(info?.size ?? 0n)
    },
    async *read(digest, { offset = 0, length = 0, signal } = {}) {
      const request = { digest, offset: BigInt(offset), size: BigInt(length) }
      for await (const { data } of callStream(transport, method.read, once(request), { headers, signal }))
        yield data
    },
    async write(descriptor, bytes, signal) {
      try {
        await callTalk(transport, method.write, { headers, signal }, async (incoming, send) => {
          const answers = incoming[Symbol.asyncIterator]()
          // One request at a time: an answer may be the refusal of a blob that is there already.
          for await (const request of writeRequests(descriptor, bytes)) {
            await send(request)
            await answers.next()
          }
        })
      } catch (error) {
        if (!(isSlipwayError(error) && error.code === 'already-exists')) throw error
      }
    },
    async *list(signal) {
      for await (const { info } of callStream(transport, method.list, once({}), { headers, signal })) {
        for (const { digest, size } of info) if (isDigest(digest)) yield { digest, size: Number(size) }
      }
    },
  }
}

async function* writeRequests(
  descriptor: Descriptor,
  bytes: ByteStream,
): AsyncGenerator<WriteContentRequest> {
  const ref = `slipway-${descriptor.digest}`
  const total = BigInt(descriptor.size)
  const expected = descriptor.digest
  yield create(WriteContentRequestSchema, { action: WriteAction.STAT, ref, total, expected })
  let offset = 0n
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; at += maxChunk) {
      const data = chunk.subarray(at, at + maxChunk)
      yield create(WriteContentRequestSchema, { action: WriteAction.WRITE, ref, offset, data })
      offset += BigInt(data.length)
    }
  }
  yield create(WriteContentRequestSchema, { action: WriteAction.COMMIT, ref, total, offset, expected })
}
