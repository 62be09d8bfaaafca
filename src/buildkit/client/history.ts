import { createClient } from '@connectrpc/connect'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { Content } from '../../proto/gen/content_pb.ts'
import {
  type BuildHistoryRecord,
  BuildHistoryEventType,
  Control,
  type Descriptor,
} from '../../proto/gen/control_pb.ts'
import type { BuildkitConnection } from '../../session/connection.ts'
import type { SolveStatus } from '../../status/solve-status.ts'
import { statusFromMessage } from './status-from-message.ts'

export type { BuildHistoryRecord } from '../../proto/gen/control_pb.ts'

/** Which records are wanted. */
export interface HistoryQuery {
  readonly ref?: string
  /** In the daemon's language, any of which may match. */
  readonly filters?: readonly string[]
  /** The newest ones only; 0 or absent: all. */
  readonly limit?: number
}

/** Records of a daemon, and its clock. */
export interface HistoryList {
  /** Builds that run have no `CompletedAt`. */
  readonly records: readonly BuildHistoryRecord[]
  /** The daemon's own time, milliseconds since 1970; undefined where it does not tell. */
  readonly nowMs: number | undefined
}

/** Larger blobs are refused (bytes): records point to small documents. */
const mostBytes = 256 << 20

/** Builds of a daemon: those that run and those that it has a record of. */
export async function listHistory(
  connection: BuildkitConnection,
  { ref = '', filters = [], limit = 0 }: HistoryQuery,
  signal: AbortSignal,
): Promise<HistoryList> {
  const control = createClient(Control, connection.transport)
  let nowMs: number | undefined
  const onHeader = (headers: Headers): void => {
    const at = Date.parse(headers.get('buildkit-current-timestamp') ?? '')
    nowMs = Number.isNaN(at) ? undefined : at
  }
  const records: BuildHistoryRecord[] = []
  const request = { EarlyExit: true, Ref: ref, Filter: [...filters], Limit: limit }
  for await (const { type, record } of control.listenBuildHistory(request, { signal, onHeader })) {
    if (type !== BuildHistoryEventType.DELETED && record !== undefined) records.push(record)
  }
  return { records, nowMs }
}

/** Removes a record. Throws `not-found`. */
export async function deleteHistory(
  connection: BuildkitConnection,
  ref: string,
  signal: AbortSignal,
): Promise<void> {
  await createClient(Control, connection.transport).updateBuildHistory({ Ref: ref, Delete: true }, { signal })
}

/** Has the daemon write the trace of a build now; it waits some seconds for late spans otherwise. */
export async function finalizeHistory(
  connection: BuildkitConnection,
  ref: string,
  signal: AbortSignal,
): Promise<void> {
  await createClient(Control, connection.transport).updateBuildHistory(
    { Ref: ref, Finalize: true },
    { signal },
  )
}

/** What a build said, from its beginning: of one that has ended, or as it comes of one that runs. */
export async function* replayStatus(
  connection: BuildkitConnection,
  ref: string,
  signal: AbortSignal,
): AsyncIterable<SolveStatus> {
  const control = createClient(Control, connection.transport)
  for await (const message of control.status({ Ref: ref }, { signal })) yield statusFromMessage(message)
}

/** A blob that a record points to, whole. Throws `not-found`, `data-loss` where its size is another. */
export async function readHistoryBlob(
  connection: BuildkitConnection,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const content = createClient(Content, connection.transport)
  const chunks: Uint8Array[] = []
  let length = 0
  if (size > BigInt(mostBytes))
    throw new SlipwayError('resource-exhausted', `blob ${digest} has ${size} bytes`)
  for await (const { data } of content.read({ digest, offset: 0n, size }, { signal })) {
    chunks.push(data)
    length += data.length
    if (length > mostBytes)
      throw new SlipwayError('resource-exhausted', `blob ${digest} has more than ${mostBytes} bytes`)
  }
  if (size > 0n && BigInt(length) !== size) {
    throw new SlipwayError('data-loss', `blob ${digest}: expected ${size} bytes, got ${length}`)
  }
  return Buffer.concat(chunks)
}

/** Size in bytes of a blob that the daemon has. Throws `not-found`. */
export async function historyBlobSize(
  connection: BuildkitConnection,
  digest: string,
  signal: AbortSignal,
): Promise<bigint> {
  const { info } = await createClient(Content, connection.transport).info({ digest }, { signal })
  return info?.size ?? 0n
}
