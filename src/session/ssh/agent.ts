import { sign } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { curves, isCurveType, type SshKey } from './private-key.ts'
import { mpint, uint32, WireReader, wireString } from './wire.ts'

/** Answers one request of the ssh agent protocol; both without the length before them. */
export type Agent = (request: Buffer) => Promise<Buffer>

/** Source of the numbers: https://www.rfc-editor.org/rfc/rfc9987 (SSH agent protocol) */
const message = { failure: 5, listIdentities: 11, identities: 12, signRequest: 13, signature: 14 } as const

/** Bytes of the largest message that OpenSSH's agent takes. */
const maxMessage = 256 * 1024

/** An agent that has these keys and nothing else. */
export function keyAgent(keys: readonly SshKey[]): Agent {
  return async request => {
    if (request[0] === message.listIdentities) {
      const list = keys.map(key => Buffer.concat([wireString(key.publicBlob), wireString('')]))
      return Buffer.concat([Buffer.of(message.identities), uint32(keys.length), ...list])
    }
    if (request[0] !== message.signRequest) return refusal
    const reader = new WireReader(request.subarray(1))
    const blob = reader.string()
    const data = reader.string()
    const flags = reader.done ? 0 : reader.uint32()
    const key = keys.find(one => one.publicBlob.equals(blob))
    if (key === undefined) return refusal
    return Buffer.concat([Buffer.of(message.signature), wireString(signature(key, data, flags))])
  }
}

/** An agent of which builds may list the keys and have data signed, but not add, remove or lock keys. */
export function readOnlyAgent(agent: Agent): Agent {
  return async request => {
    const harmless = request[0] === message.listIdentities || request[0] === message.signRequest
    return harmless ? await agent(request) : refusal
  }
}

/** The agent at the other end of a byte stream; requests are sent one after the other. */
export function streamAgent(stream: Duplex): Agent {
  const answers = frames(stream)
  return async request => {
    stream.write(frame(request))
    const answer = await answers.next()
    if (answer.done === true) throw new SlipwayError('unavailable', 'the ssh agent closed the connection')
    return answer.value
  }
}

/** The messages in a byte stream. Throws `invalid-argument` for one that is too large. */
export async function* frames(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let pending = Buffer.alloc(0)
  for await (const chunk of bytes) {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 4) {
      const length = pending.readUInt32BE()
      if (length === 0 || length > maxMessage)
        throw new SlipwayError('invalid-argument', 'ssh agent: bad message length')
      if (pending.length < 4 + length) break
      yield pending.subarray(4, 4 + length)
      pending = pending.subarray(4 + length)
    }
  }
}

/** A message with its length before it. */
export function frame(bytes: Uint8Array): Buffer {
  return wireString(bytes)
}

const refusal = Buffer.of(message.failure)

function signature(key: SshKey, data: Buffer, flags: number): Buffer {
  if (isCurveType(key.type)) {
    const { hash } = curves[key.type]
    const rs = sign(hash, data, { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
    const half = rs.length / 2
    const numbers = Buffer.concat([mpint(rs.subarray(0, half)), mpint(rs.subarray(half))])
    return Buffer.concat([wireString(key.type), wireString(numbers)])
  }
  if (key.type !== 'ssh-rsa') {
    return Buffer.concat([wireString(key.type), wireString(sign(null, data, key.privateKey))])
  }
  const [name, hash] =
    flags & 4 ? ['rsa-sha2-512', 'sha512'] : flags & 2 ? ['rsa-sha2-256', 'sha256'] : ['ssh-rsa', 'sha1']
  return Buffer.concat([wireString(name as string), wireString(sign(hash, data, key.privateKey))])
}
