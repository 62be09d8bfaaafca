import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { BytesMessageSchema, FileSend } from '../../proto/gen/filesync_pb.ts'
import { PacketSchema, type Stat } from '../../proto/gen/fsutil_pb.ts'
import { type Raw, RawSchema } from '../../proto/gen/raw_pb.ts'
import type { Attachable, StreamReceiver } from '../attachable.ts'
import { answerTalk } from '../converse.ts'
import { receiveTree } from '../fsutil/receive-tree.ts'

/** Metadata keys of an export. */
export const sendKeys = {
  exporterId: 'buildkit-attachable-exporter-id',
  metadata: 'exporter-md-',
  multiPlatform: 'buildkit-exporter-multi-platform',
} as const

/** Where one export goes. */
export type ExportTarget =
  /** Files below a directory, made if absent. `remove`: what is there and not in the result is removed. */
  | { readonly kind: 'directory'; readonly path: string; readonly remove?: boolean }
  /** One stream, such as an archive. */
  | { readonly kind: 'stream'; readonly receive: StreamReceiver }

/** The service with messages undecoded: whether they are packets or chunks depends on the target. */
const method = { ...FileSend.method.diffCopy, input: RawSchema, output: RawSchema }

/** Receives the exports of a build, by the number of the exporter in the request. */
export function fileSend(targets: Readonly<Record<number, ExportTarget>>): Attachable {
  return {
    localStream(exporterId) {
      const target = targets[exporterId]
      return target?.kind === 'stream' ? target.receive : undefined
    },
    localTarget(exporterId) {
      const target = targets[exporterId]
      return target?.kind === 'directory' ? { path: target.path, remove: target.remove === true } : undefined
    },
    routes: router =>
      router.rpc(method, (messages, context) => {
        const headers = context.requestHeader
        const id = Number.parseInt(headers.get(sendKeys.exporterId) ?? '', 10) || 0
        return answerTalk<Raw, Raw>(messages, context.signal, async (incoming, send, signal) => {
          const target = targets[id]
          if (target === undefined) throw new SlipwayError('unknown', `exporter ${id} not found`)
          if (target.kind === 'stream') {
            await target.receive(chunks(incoming), exporterMetadata(headers), signal)
            return
          }
          if (target.remove === true && headers.get(sendKeys.multiPlatform) !== '1') {
            throw new SlipwayError(
              'unknown',
              'local exporter mode=delete requires a BuildKit daemon with multi-platform local export support',
            )
          }
          const packets = decoded(PacketSchema, incoming)
          await receiveTree(packets, packet => send(raw(PacketSchema, packet)), {
            dest: target.path,
            mode: target.remove === true ? 'mirror' : 'merge',
            differ: 'none',
            map: ownByMe,
            signal,
          })
        })
      }),
  }
}

/** Files that leave a build belong to who asked for them. */
export function ownByMe(stat: Stat): void {
  stat.uid = process.getuid?.() ?? 0
  stat.gid = process.getgid?.() ?? 0
}

async function* chunks(incoming: AsyncIterable<Raw>): AsyncGenerator<Uint8Array> {
  for await (const { data } of decoded(BytesMessageSchema, incoming)) yield data
}

async function* decoded<Desc extends DescMessage>(
  schema: Desc,
  incoming: AsyncIterable<Raw>,
): AsyncGenerator<MessageShape<Desc>> {
  for await (const message of incoming) yield fromBinary(schema, toBinary(RawSchema, message))
}

function raw<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Raw {
  return fromBinary(RawSchema, toBinary(schema, message))
}

function exporterMetadata(headers: Headers): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (const [key, value] of headers) {
    if (key.startsWith(sendKeys.metadata)) metadata[key.slice(sendKeys.metadata.length)] = value
  }
  return metadata
}
