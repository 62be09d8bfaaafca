import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { SlipwayError } from '../../errors/slipway-error.ts'

/** A packet of an OpenPGP message. Source: https://www.rfc-editor.org/rfc/rfc9580#section-4 */
export interface Packet {
  readonly tag: number
  readonly body: Buffer
}

/** Tags that are of interest. */
export const packetTag = { signature: 2, publicKey: 6, userId: 13, publicSubkey: 14 } as const

/** A public key of version 4. */
export interface PublicKey {
  readonly body: Buffer
  /** 16 hexadecimal digits, upper case. */
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly algorithm: number
  /** Undefined for algorithms that do not sign, or are not taken. */
  readonly key: KeyObject | undefined
  /** Of RSA keys. */
  readonly bits: number | undefined
}

/** A signature of version 4. Times in seconds since 1970. */
export interface Signature {
  readonly type: number
  readonly algorithm: number
  /** Name for node:crypto; undefined for hashes that are too weak, or unknown. */
  readonly hash: string | undefined
  /** What is hashed behind the signed data. */
  readonly trailer: Buffer
  /** Numbers of the signature, as they stand in the packet. */
  readonly values: Buffer
  readonly issuer: string | undefined
  readonly created: number
  /** Seconds after the creation, 0 for never. */
  readonly expires: number
  readonly keyExpires: number
  /** Undefined where the key may be used for everything. */
  readonly keyFlags: number | undefined
  /** A signature inside, by which a subkey vouches for its primary key. */
  readonly embedded: Buffer | undefined
}

const hashes: Readonly<Record<number, string>> = { 8: 'sha256', 9: 'sha384', 10: 'sha512' }
const curves: Readonly<Record<string, string>> = {
  '2a8648ce3d030107': 'P-256',
  '2b81040022': 'P-384',
  '2b81040023': 'P-521',
}

/** Splits a message into packets. Throws `invalid-argument` for what is broken. */
export function readPackets(bytes: Buffer): readonly Packet[] {
  const packets: Packet[] = []
  for (let at = 0; at < bytes.length; ) {
    const first = byteAt(bytes, at++)
    if ((first & 0x80) === 0) throw broken('packet')
    const [tag, length, header] = first & 0x40 ? newHeader(bytes, at, first) : oldHeader(bytes, at, first)
    at += header
    if (at + length > bytes.length) throw broken('packet')
    packets.push({ tag, body: bytes.subarray(at, at + length) })
    at += length
  }
  return packets
}

function newHeader(bytes: Buffer, at: number, first: number): [tag: number, length: number, header: number] {
  const tag = first & 0x3f
  const one = byteAt(bytes, at)
  if (one < 192) return [tag, one, 1]
  if (one < 224) return [tag, ((one - 192) << 8) + byteAt(bytes, at + 1) + 192, 2]
  if (one === 255 && at + 5 <= bytes.length) return [tag, bytes.readUInt32BE(at + 1), 5]
  throw broken('packet length')
}

function oldHeader(bytes: Buffer, at: number, first: number): [tag: number, length: number, header: number] {
  const tag = (first >> 2) & 0x0f
  const size = [1, 2, 4, 0][first & 3] as number
  if (size === 0) return [tag, bytes.length - at, 0]
  if (at + size > bytes.length) throw broken('packet length')
  return [tag, bytes.readUIntBE(at, size), size]
}

/** Reads a public key or subkey; undefined for other versions. */
export function readPublicKey(body: Buffer): PublicKey | undefined {
  if (body[0] !== 4 || body.length < 6) return undefined
  const algorithm = body[5] as number
  const length = Buffer.of(0x99, body.length >> 8, body.length & 0xff)
  const fingerprint = createHash('sha1').update(length).update(body).digest('hex')
  const material = body.subarray(6)
  const jwk = keyMaterial(algorithm, material)
  return {
    body,
    id: fingerprint.slice(-16).toUpperCase(),
    created: body.readUInt32BE(1),
    algorithm,
    key: jwk === undefined ? undefined : publicKeyOf(jwk),
    bits: algorithm === 1 || algorithm === 3 ? material.readUInt16BE(0) : undefined,
  }
}

function keyMaterial(algorithm: number, bytes: Buffer): Record<string, string> | undefined {
  const text = (value: Buffer): string => value.toString('base64url')
  if (algorithm === 1 || algorithm === 3) {
    const [n, rest] = readMpi(bytes)
    return { kty: 'RSA', n: text(n), e: text(readMpi(rest)[0]) }
  }
  if (algorithm === 27) return { kty: 'OKP', crv: 'Ed25519', x: text(bytes.subarray(0, 32)) }
  if (algorithm !== 19 && algorithm !== 22) return undefined
  const oid = bytes.subarray(1, 1 + byteAt(bytes, 0)).toString('hex')
  const [point] = readMpi(bytes.subarray(1 + oid.length / 2))
  if (algorithm === 22) {
    const isEd25519 = oid === '2b06010401da470f01' && point[0] === 0x40 && point.length === 33
    return isEd25519 ? { kty: 'OKP', crv: 'Ed25519', x: text(point.subarray(1)) } : undefined
  }
  const crv = curves[oid]
  if (crv === undefined || point[0] !== 4) return undefined
  const half = (point.length - 1) / 2
  return { kty: 'EC', crv, x: text(point.subarray(1, 1 + half)), y: text(point.subarray(1 + half)) }
}

function publicKeyOf(jwk: Record<string, string>): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** Reads a signature; undefined for other versions. Throws `invalid-argument` for what is broken. */
export function readSignature(body: Buffer): Signature | undefined {
  if (body[0] !== 4 || body.length < 12) return undefined
  const hashedEnd = 6 + body.readUInt16BE(4)
  if (hashedEnd + 2 > body.length) throw broken('signature')
  const unhashedEnd = hashedEnd + 2 + body.readUInt16BE(hashedEnd)
  if (unhashedEnd + 2 > body.length) throw broken('signature')
  const hashed = subpackets(body.subarray(6, hashedEnd))
  const all = new Map([...subpackets(body.subarray(hashedEnd + 2, unhashedEnd)), ...hashed])
  const seconds = (type: number): number => hashed.get(type)?.readUInt32BE(0) ?? 0
  const trailer = Buffer.alloc(hashedEnd + 6)
  body.copy(trailer, 0, 0, hashedEnd)
  trailer.set([4, 0xff], hashedEnd)
  trailer.writeUInt32BE(hashedEnd, hashedEnd + 2)
  return {
    type: body[1] as number,
    algorithm: body[2] as number,
    hash: hashes[body[3] as number],
    trailer,
    values: body.subarray(unhashedEnd + 2),
    issuer: (all.get(16) ?? all.get(33)?.subarray(-8))?.toString('hex').toUpperCase(),
    created: seconds(2),
    expires: seconds(3),
    keyExpires: seconds(9),
    keyFlags: hashed.get(27)?.[0],
    embedded: all.get(32),
  }
}

function subpackets(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length; ) {
    const one = byteAt(bytes, at)
    const [length, header] =
      one < 192
        ? [one, 1]
        : one < 255
          ? [((one - 192) << 8) + byteAt(bytes, at + 1) + 192, 2]
          : [at + 5 <= bytes.length ? bytes.readUInt32BE(at + 1) : 0, 5]
    at += header
    if (length === 0 || at + length > bytes.length) throw broken('signature')
    found.set(byteAt(bytes, at) & 0x7f, bytes.subarray(at + 1, at + length))
    at += length
  }
  return found
}

/** A number, and what stands behind it. */
export function readMpi(bytes: Buffer): readonly [value: Buffer, rest: Buffer] {
  if (bytes.length < 2) throw broken('number')
  const length = (bytes.readUInt16BE(0) + 7) >> 3
  if (2 + length > bytes.length) throw broken('number')
  return [bytes.subarray(2, 2 + length), bytes.subarray(2 + length)]
}

function byteAt(bytes: Buffer, at: number): number {
  const value = bytes[at]
  if (value === undefined) throw broken('packet')
  return value
}

const broken = (what: string): SlipwayError =>
  new SlipwayError('invalid-argument', `openpgp: invalid data: broken ${what}`)
