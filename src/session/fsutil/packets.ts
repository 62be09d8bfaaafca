import { create, toBinary } from '@bufbuild/protobuf'
import { type Packet, Packet_PacketType as Type, PacketSchema, type Stat } from '../../proto/gen/fsutil_pb.ts'

/** Sends one packet; resolves when there is room for the next, rejects when the other side has gone. */
export type SendPacket = (packet: Packet) => Promise<void>

/** The packets of a transfer. Source: https://github.com/tonistiigi/fsutil/blob/6d9dc2ebad62/receive.go (top comment) */
export const packet = {
  /** An entry; without one: all entries were sent. */
  stat: (stat?: Stat): Packet => create(PacketSchema, stat === undefined ? {} : { stat }),
  request: (ID: number): Packet => create(PacketSchema, { type: Type.PACKET_REQ, ID }),
  /** A chunk of file `ID`; empty: its end. */
  data: (ID: number, data: Uint8Array): Packet => create(PacketSchema, { type: Type.PACKET_DATA, ID, data }),
  finish: (): Packet => create(PacketSchema, { type: Type.PACKET_FIN }),
  error: (message: string): Packet =>
    create(PacketSchema, { type: Type.PACKET_ERR, data: new TextEncoder().encode(message) }),
} as const

/** Bytes of a packet on the wire, without encoding the content of files for it: what `transferring` counts. */
export function packetSize(value: Packet): number {
  if (value.type !== Type.PACKET_DATA) return toBinary(PacketSchema, value).length
  return dataSize(value.ID, value.data.length)
}

function dataSize(id: number, length: number): number {
  return 2 + (id === 0 ? 0 : 1 + varintSize(id)) + (length === 0 ? 0 : 1 + varintSize(length) + length)
}

/** Bytes of the packets that bring `size` bytes of file `id`, as upstream cuts it, without the one that ends it. */
export function contentSize(id: number, size: number): number {
  const chunk = 32 * 1024
  const full = Math.floor(size / chunk)
  const rest = size % chunk
  return full * dataSize(id, chunk) + (rest === 0 ? 0 : dataSize(id, rest))
}

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  return size
}
