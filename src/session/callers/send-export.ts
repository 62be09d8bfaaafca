import { create } from '@bufbuild/protobuf'
import { anySignal } from '../../async/abort.ts'
import { AsyncQueue } from '../../async/async-queue.ts'
import type { ByteStream } from '../../bytes/byte-stream.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { type BytesMessage, BytesMessageSchema, FileSend } from '../../proto/gen/filesync_pb.ts'
import { PacketSchema } from '../../proto/gen/fsutil_pb.ts'
import { ownByMe, sendKeys } from '../attachables/file-send.ts'
import { callTalk } from '../converse.ts'
import { packetSize, type SendPacket } from '../fsutil/packets.ts'
import { placeTree } from '../fsutil/place-tree.ts'
import { sendTree } from '../fsutil/send-tree.ts'
import type { SyncTree } from '../fsutil/sync-tree.ts'
import type { SessionCaller } from '../session.ts'
import { callStream } from '../transport/call.ts'
import { supported } from './supported.ts'

/** What goes with an export. */
export interface ExportOptions {
  /** Number of the exporter in the request of the build. */
  readonly exporterId: number
  readonly signal?: AbortSignal | undefined
}

/** A message must stay below what Go's gRPC takes by default (4 MiB). */
const maxChunk = 1024 * 1024

/** Packets instead of chunks on the same method. */
const packetMethod = { ...FileSend.method.diffCopy, input: PacketSchema, output: PacketSchema }

/**
 * Writes a tree into the directory that the client chose for an exporter; `onProgress` is told the bytes sent so far.
 * Throws `failed-precondition` where the client takes no exports, and what the client's side reports.
 */
export async function sendDir(
  caller: SessionCaller,
  tree: SyncTree,
  options: ExportOptions & { readonly onProgress?: (bytes: number, done: boolean) => void },
): Promise<void> {
  const { onProgress } = options
  const headers = exportHeaders(caller, options)
  headers.set(sendKeys.multiPlatform, '1')
  const target = caller.localTarget?.(options.exporterId)
  if (target !== undefined) {
    const mode = target.remove ? 'mirror' : 'merge'
    await placeTree(tree, { dest: target.path, mode, map: ownByMe, signal: options.signal })
    return
  }
  let bytes = 0
  await callTalk(
    caller.transport,
    packetMethod,
    { headers, signal: options.signal },
    (incoming, send, signal) => {
      const counted: SendPacket = packet => {
        if (onProgress !== undefined) {
          bytes += packetSize(packet)
          onProgress(bytes, false)
        }
        return send(packet)
      }
      return sendTree(tree, incoming, counted, signal)
    },
  )
  onProgress?.(bytes, true)
}

/**
 * Sends one stream, such as an archive, to where the client wants the result of an exporter. `metadata` describes it; keys
 * are case-insensitive, values must be printable ASCII. Returns when the client has it all. Throws as `sendDir`.
 */
export async function sendStream(
  caller: SessionCaller,
  stream: ByteStream,
  metadata: Readonly<Record<string, string>>,
  options: ExportOptions,
): Promise<void> {
  const headers = exportHeaders(caller, options)
  const receive = caller.localStream?.(options.exporterId)
  if (receive !== undefined) {
    const told = Object.fromEntries(
      Object.entries(metadata).map(([key, value]) => [key.toLowerCase(), value]),
    )
    return await receive(stream, told, options.signal ?? new AbortController().signal)
  }
  for (const [key, value] of Object.entries(metadata)) headers.set(`${sendKeys.metadata}${key}`, value)
  const out = new AsyncQueue<BytesMessage>({ capacity: 8 })
  const gone = new AbortController()
  const signal = anySignal(options.signal, gone.signal)
  const ended = drain(callStream(caller.transport, FileSend.method.diffCopy, out, { headers, signal }))
  // The client may fail while it still has to be sent something: nobody reads the queue then.
  ended.catch(() => {}).finally(() => out.close())
  try {
    for await (const chunk of stream) {
      for (let at = 0; at < chunk.length; at += maxChunk) {
        const message = create(BytesMessageSchema, { data: chunk.subarray(at, at + maxChunk) })
        if (await out.send(message, signal)) continue
        await ended
        throw new SlipwayError('unavailable', 'the client stopped reading the export')
      }
    }
    out.end()
    await ended
  } finally {
    gone.abort()
    await ended.catch(() => {})
  }
}

async function drain(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of answers) {
    // The client answers nothing; only how it ends is of interest.
  }
}

function exportHeaders(caller: SessionCaller, options: ExportOptions): Headers {
  if (!supported(caller, FileSend.method.diffCopy)) {
    const what = `method /${FileSend.typeName}/diffcopy`
    throw new SlipwayError('failed-precondition', `${what} not supported by the client`)
  }
  return new Headers({ [sendKeys.exporterId]: String(options.exporterId) })
}
