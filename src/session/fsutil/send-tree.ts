import { abortable } from '../../async/abort.ts'
import { AsyncQueue } from '../../async/async-queue.ts'
import { forEachBounded } from '../../async/map-bounded.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { type Packet, Packet_PacketType as Type } from '../../proto/gen/fsutil_pb.ts'
import { isMissing } from './follow-links.ts'
import { hasContent } from './go-mode.ts'
import { packet, type SendPacket } from './packets.ts'
import type { SyncTree } from './sync-tree.ts'

/** Files whose content is sent at the same time. */
const parallelFiles = 4

/** A file that has content, with the bytes that it had when it was listed. */
interface Listed {
  readonly path: string
  readonly size: number
}

/** A file that the receiver asked for. */
interface Wanted extends Listed {
  readonly id: number
}

/**
 * Sends a tree: all entries, then the files that the other side asks for, until it says that it has what it wants.
 * Failures on this side are told to the other. Throws what walking and reading throw, and `unknown`
 * (`error from receiver: …`) where the other side gives up.
 */
export async function sendTree(
  tree: SyncTree,
  incoming: AsyncIterable<Packet>,
  send: SendPacket,
  signal?: AbortSignal,
): Promise<void> {
  const files = new Map<number, Listed>()
  const wanted = new AsyncQueue<Wanted>()
  const tasks: readonly ((inner: AbortSignal) => Promise<void>)[] = [
    inner => sendEntries(tree, files, send, inner),
    inner => answer(incoming, files, wanted, send, inner),
    inner =>
      forEachBounded(wanted, file => sendFile(tree, file, send, inner), {
        limit: parallelFiles,
        signal: inner,
      }),
  ]
  try {
    await forEachBounded(
      tasks,
      async (task, _, inner) => {
        try {
          await task(inner)
        } catch (error) {
          wanted.close()
          throw error
        }
      },
      { limit: tasks.length, signal },
    )
  } catch (error) {
    if (!(error instanceof FromReceiver))
      await send(packet.error(asSlipwayError(error).message)).catch(() => {})
    throw error
  }
}

class FromReceiver extends SlipwayError {}

async function sendEntries(
  tree: SyncTree,
  files: Map<number, Listed>,
  send: SendPacket,
  signal: AbortSignal,
): Promise<void> {
  let id = 0
  for await (const stat of tree.walk(signal)) {
    if (hasContent(stat.mode)) files.set(id, { path: stat.path, size: Number(stat.size) })
    id++
    await send(packet.stat(stat))
  }
  await send(packet.stat())
}

async function answer(
  incoming: AsyncIterable<Packet>,
  files: Map<number, Listed>,
  wanted: AsyncQueue<Wanted>,
  send: SendPacket,
  signal: AbortSignal,
): Promise<void> {
  const packets = incoming[Symbol.asyncIterator]()
  for (;;) {
    const next = await abortable(packets.next(), signal)
    if (next.done === true) throw new SlipwayError('unavailable', 'unexpected EOF')
    const { type, ID, data } = next.value
    if (type === Type.PACKET_ERR) {
      throw new FromReceiver('unknown', `error from receiver: ${new TextDecoder().decode(data)}`)
    }
    if (type === Type.PACKET_FIN) {
      wanted.end()
      await send(packet.finish())
      return
    }
    if (type !== Type.PACKET_REQ) continue
    const file = files.get(ID)
    if (file === undefined) throw new SlipwayError('invalid-argument', `invalid file id ${ID}`)
    // Each file may be asked for once, as upstream has it: a peer cannot keep us reading for ever.
    files.delete(ID)
    wanted.push({ id: ID, ...file })
  }
}

async function sendFile(tree: SyncTree, file: Wanted, send: SendPacket, signal: AbortSignal): Promise<void> {
  let left = file.size
  try {
    for await (const chunk of tree.open(file.path, signal)) {
      const bytes = file.size > 0 && chunk.length > left ? chunk.subarray(0, left) : chunk
      if (bytes.length > 0) await send(packet.data(file.id, bytes))
      left -= bytes.length
      // Who writes it faster than it is read does not keep us for ever; what the kernel makes up has no size.
      if (file.size > 0 && left <= 0) break
    }
  } catch (error) {
    // It vanished after it was listed; an empty file is what upstream sends then.
    if (!isMissing(error)) throw error
  }
  await send(packet.data(file.id, new Uint8Array()))
}
