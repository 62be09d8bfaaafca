import type { Duplex } from 'node:stream'
import { create } from '@bufbuild/protobuf'
import { throwIfAborted } from '../../async/abort.ts'
import { type BytesMessage, BytesMessageSchema } from '../../proto/gen/sshforward_pb.ts'
import type { Send } from '../converse.ts'

/**
 * Carries bytes between a stream of messages and a byte stream, each half on its own: the end of the messages ends the byte
 * stream's other half, and `end` is called at the end of the byte stream. A caller (who has `end`) goes on until the
 * messages end too; an answering side is done with its byte stream. The byte stream is destroyed in the end.
 */
export async function pumpDuplex(
  duplex: Duplex,
  incoming: AsyncIterable<BytesMessage>,
  send: Send<BytesMessage>,
  signal: AbortSignal,
  end?: () => void,
): Promise<void> {
  const onAbort = (): void => void duplex.destroy()
  signal.addEventListener('abort', onAbort, { once: true })
  duplex.on('error', () => {})
  const inwards = writeMessages(duplex, incoming)
  inwards.catch(() => duplex.destroy())
  try {
    for await (const data of duplex.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      await send(create(BytesMessageSchema, { data }))
    }
    end?.()
    if (end !== undefined) await inwards
  } catch (error) {
    throwIfAborted(signal)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    duplex.destroy()
  }
}

async function writeMessages(duplex: Duplex, incoming: AsyncIterable<BytesMessage>): Promise<void> {
  const closed = new Promise<void>(resolve => duplex.once('close', resolve))
  for await (const { data } of incoming) {
    if (duplex.writable && !duplex.write(data)) {
      await Promise.race([new Promise(resolve => duplex.once('drain', resolve)), closed])
    }
  }
  if (duplex.writable) await new Promise<void>(resolve => duplex.end(resolve))
}
