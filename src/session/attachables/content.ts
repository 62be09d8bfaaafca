import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { HandlerContext } from '@connectrpc/connect'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { parseDigest } from '../../oci/digest.ts'
import {
  Content,
  type WriteContentRequest,
  type WriteContentResponseSchema,
  type InfoSchema,
  WriteAction,
} from '../../proto/gen/content_pb.ts'
import type { Attachable } from '../attachable.ts'
import { type BlobFacts, LayoutBlobs } from './layout-blobs.ts'

/** Metadata key that chooses a store. */
export const storeIdKey = 'buildkit-attachable-store-id'

/** A directory in the form of an OCI layout that a build may read, or write cache blobs into. */
export interface SharedLayout {
  readonly path: string
  readonly writable?: boolean
}

/** Labels are kept nowhere: stores say so by answering none. */
type WriteAnswer = MessageInitShape<typeof WriteContentResponseSchema>

/**
 * Offers OCI layouts: `oci:<id>` for `oci-layout://` contexts, `local:<dir>` for local caches. What is not offered here is
 * out of reach. Uploads cannot be resumed.
 */
export function contentStores(stores: Readonly<Record<string, SharedLayout>>): Attachable {
  const opened = new Map(
    Object.entries(stores).map(([id, store]) => [id, { ...store, blobs: new LayoutBlobs(store.path) }]),
  )
  const choose = (context: HandlerContext, writing = false): LayoutBlobs => {
    const id = context.requestHeader.get(storeIdKey)
    if (id === null) {
      throw new SlipwayError(
        'invalid-argument',
        `request lacks metadata ${JSON.stringify(storeIdKey)}: invalid argument`,
      )
    }
    const store = opened.get(id)
    if (store === undefined) throw new SlipwayError('not-found', `unknown store ${id}: not found`)
    if (writing && store.writable !== true) {
      throw new SlipwayError('permission-denied', `store ${id} is read-only`)
    }
    return store.blobs
  }
  return {
    routes: router =>
      router.service(Content, {
        info: async (request, context) => ({
          info: infoOf(await choose(context).facts(parseDigest(request.digest))),
        }),
        async *list(_, context) {
          for await (const facts of choose(context).list()) yield { info: [infoOf(facts)] }
        },
        async *read(request, context) {
          const [offset, length] = [Number(request.offset), Number(request.size)]
          let at = 0n
          const blobs = choose(context)
          for await (const data of blobs.read(parseDigest(request.digest), offset, length, context.signal)) {
            yield { offset: at, data }
            at += BigInt(data.length)
          }
        },
        async update(request, context) {
          return { info: infoOf(await choose(context).facts(parseDigest(request.info?.digest))) }
        },
        async delete(request, context) {
          await choose(context, true).delete(parseDigest(request.digest))
          return {}
        },
        status: request => {
          throw new SlipwayError(
            'not-found',
            `could not get status for ref ${JSON.stringify(request.ref)}: not found`,
          )
        },
        listStatuses: () => ({ statuses: [] }),
        abort: request => {
          throw new SlipwayError('not-found', `ingest ref ${JSON.stringify(request.ref)}: not found`)
        },
        write: (requests, context) => write(choose(context, true), requests),
      }),
  }
}

/**
 * One blob per stream: each request is answered with where the blob stands; the commit ends it. Protocol:
 * https://github.com/containerd/containerd/blob/api/v1.11.1/api/services/content/v1/content.proto (Write)
 */
async function* write(
  blobs: LayoutBlobs,
  requests: AsyncIterable<WriteContentRequest>,
): AsyncGenerator<WriteAnswer> {
  await using ingest = await blobs.begin()
  let expected: ReturnType<typeof parseDigest> | undefined
  let total = 0n
  let first = true
  for await (const request of requests) {
    if (first && request.ref === '') {
      throw new SlipwayError('invalid-argument', 'first message must have a reference')
    }
    first = false
    if (request.expected !== '') {
      expected = parseDigest(request.expected)
      if (await blobs.has(expected)) {
        throw new SlipwayError('already-exists', `blob with expected digest ${expected} exists`)
      }
    }
    if (request.total > 0n) total = request.total
    if (request.action !== WriteAction.STAT) {
      if (request.offset === 0n && ingest.size > 0 && request.data.length > 0) await ingest.restart()
      if (request.offset > 0n && request.offset !== BigInt(ingest.size)) {
        throw new SlipwayError(
          'out-of-range',
          `write @${request.offset} must occur at current offset ${ingest.size}`,
        )
      }
      await ingest.write(request.data)
    }
    const done = request.action === WriteAction.COMMIT
    // Hashing so far costs a copy of the hash's state: only who asks for it gets it.
    const digest = done
      ? await ingest.commit(expected, Number(total))
      : request.action === WriteAction.STAT
        ? ingest.digest
        : ''
    yield {
      action: request.action,
      startedAt: timestampFromMs(ingest.startedMs),
      updatedAt: timestampFromMs(Date.now()),
      offset: BigInt(ingest.size),
      total,
      digest,
    }
    if (done) break
  }
  await blobs.tidy()
}

function infoOf(facts: BlobFacts): MessageInitShape<typeof InfoSchema> {
  const time = timestampFromMs(Math.floor(facts.createdMs))
  return { digest: facts.digest, size: BigInt(facts.size), createdAt: time, updatedAt: time }
}
