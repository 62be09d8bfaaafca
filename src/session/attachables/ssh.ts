import { create } from '@bufbuild/protobuf'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { type BytesMessage, BytesMessageSchema, SSH } from '../../proto/gen/sshforward_pb.ts'
import type { Attachable } from '../attachable.ts'
import { answerTalk, type Send } from '../converse.ts'
import { frame, frames } from '../ssh/agent.ts'
import type { AgentSource } from '../ssh/agent-source.ts'
import { pumpDuplex } from '../ssh/pump-duplex.ts'

/** Metadata key that names the agent of a connection. */
export const sshIdKey = 'buildkit.ssh.id'

/** Offers ssh agents, by id. Builds can use the keys in them, not read them. */
export function ssh(sources: ReadonlyMap<string, AgentSource>): Attachable {
  const find = (given: string | null): AgentSource => {
    const id = given === null || given === '' ? 'default' : given
    const source = sources.get(id)
    if (source === undefined) throw new SlipwayError('unknown', `unset ssh forward key ${id}`)
    return source
  }
  return {
    routes: router =>
      router.service(SSH, {
        checkAgent(request) {
          find(request.ID)
          return {}
        },
        forwardAgent(messages, context) {
          const source = find(context.requestHeader.get(sshIdKey))
          return answerTalk<BytesMessage, BytesMessage>(
            messages,
            context.signal,
            async (incoming, send, signal) => {
              if (source.kind === 'raw') await pumpDuplex(await source.open(signal), incoming, send, signal)
              else await serveAgent(source, incoming, send, signal)
            },
          )
        },
      }),
  }
}

async function serveAgent(
  source: Extract<AgentSource, { kind: 'agent' }>,
  incoming: AsyncIterable<BytesMessage>,
  send: Send<BytesMessage>,
  signal: AbortSignal,
): Promise<void> {
  using opened = await source.open(signal)
  for await (const request of frames(dataOf(incoming))) {
    await send(create(BytesMessageSchema, { data: frame(await opened.agent(request)) }))
  }
}

async function* dataOf(messages: AsyncIterable<BytesMessage>): AsyncGenerator<Uint8Array> {
  for await (const { data } of messages) yield data
}
