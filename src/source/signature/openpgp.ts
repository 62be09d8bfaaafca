import { createHash, createVerify, verify } from 'node:crypto'
import { isSlipwayError, SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { armorBlocks } from './armor.ts'
import {
  type PublicKey,
  packetTag,
  readMpi,
  readPackets,
  readPublicKey,
  readSignature,
  type Signature,
} from './openpgp-packet.ts'

/** How keys are looked at. */
export interface KeyPolicy {
  /** A key must not have expired by now; else it is enough that it had not when it signed. */
  readonly rejectExpired: boolean
  /** Seconds since 1970. */
  readonly now: number
}

/** Opens the signed data; it may be read more than once. */
export type OpenData = () => Iterable<Uint8Array>

/** A key with what its owner says of it. */
interface Entity {
  readonly primary: PublicKey
  /** The newest statement of the owner about the primary key. */
  self: Signature | undefined
  revoked: boolean
  readonly subkeys: { readonly key: PublicKey; binding: Signature | undefined; revoked: boolean }[]
}

/**
 * Verifies a detached, armored signature by one of the armored keys. Weak hashes, short RSA keys, revoked keys, keys that
 * are not for signing, and signatures of tomorrow are refused. Throws `permission-denied`, `invalid-argument`.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/util/pgpsign/pgpsign.go
 */
export function verifyOpenPgp(data: OpenData, signature: string, keys: string, policy: KeyPolicy): void {
  const found = firstSignature(signature)
  const entities = readKeys(keys)
  if (found.hash === undefined) throw refused('rejecting weak/unknown hash')
  if (![1, 3, 19, 22, 27].includes(found.algorithm))
    throw refused(`rejecting unsupported pubkey algorithm: ${found.algorithm}`)
  try {
    const entity = findSigner(entities, found, policy, key => matches(key, found, data))
    if (entity.revoked) throw refused('key revoked')
    const { bits } = entity.primary
    if (bits !== undefined && bits < 2048) throw refused(`RSA key too short: ${bits} bits`)
  } catch (e) {
    throw found.issuer === undefined ? e : wrapError(`signature by ${found.issuer}`, e)
  }
  if (found.created > policy.now + 300) throw refused('signature creation time is in the future')
}

function firstSignature(text: string): Signature {
  const block = armorBlocks(text).find(one => one.type === 'PGP SIGNATURE')
  if (block === undefined)
    throw new SlipwayError('invalid-argument', 'failed to decode armored signature: EOF')
  for (const { tag, body } of readPackets(block.bytes)) {
    const signature = tag === packetTag.signature ? readSignature(body) : undefined
    if (signature !== undefined) return signature
  }
  throw new SlipwayError('invalid-argument', 'no signature packet found')
}

function findSigner(
  entities: readonly Entity[],
  signature: Signature,
  policy: KeyPolicy,
  matchesKey: (key: PublicKey) => boolean,
): Entity {
  const time = policy.rejectExpired ? policy.now : signature.created
  if (signature.expires > 0 && signature.created + signature.expires < time)
    throw refused('openpgp: signature expired')
  let problem = 'openpgp: signature made by unknown entity'
  for (const entity of entities) {
    const { primary, self } = entity
    if (self === undefined) continue
    const candidates = [
      { key: primary, said: self, revoked: false },
      ...entity.subkeys.map(({ key, binding, revoked }) => ({ key, said: binding, revoked })),
    ]
    for (const { key, said, revoked } of candidates) {
      if (signature.issuer !== undefined && key.id !== signature.issuer) continue
      if (said === undefined || revoked || (said.keyFlags !== undefined && (said.keyFlags & 2) === 0))
        continue
      if (hasExpired(key, said, time) || hasExpired(primary, self, time)) {
        problem = 'openpgp: key expired'
        continue
      }
      if (matchesKey(key)) return entity
      problem = 'openpgp: invalid signature: signature verification failure'
    }
  }
  throw refused(problem)
}

const hasExpired = (key: PublicKey, { keyExpires }: Signature, time: number): boolean =>
  key.created > time || (keyExpires > 0 && key.created + keyExpires < time)

/** Keys of all blocks, with the statements of their owners that hold. */
function readKeys(text: string): readonly Entity[] {
  const blocks = armorBlocks(text)
  const entities: Entity[] = []
  for (const { type, bytes } of blocks) {
    if (type !== 'PGP PUBLIC KEY BLOCK')
      throw new SlipwayError('invalid-argument', `expected public or private key block, got: ${type}`)
    try {
      entities.push(...readKeyRing(bytes))
    } catch (e) {
      throw wrapError('failed to read armored public key', e)
    }
  }
  if (blocks.length > 0) return entities
  throw new SlipwayError('invalid-argument', 'failed to read armored public key: no armored data found')
}

function readKeyRing(bytes: Buffer): readonly Entity[] {
  const entities: Entity[] = []
  let userId: Buffer | undefined
  for (const { tag, body } of readPackets(bytes)) {
    const entity = entities.at(-1)
    if (tag === packetTag.publicKey) {
      const primary = readPublicKey(body)
      if (primary !== undefined) entities.push({ primary, self: undefined, revoked: false, subkeys: [] })
      userId = undefined
    } else if (entity === undefined) continue
    else if (tag === packetTag.userId) userId = body
    else if (tag === packetTag.publicSubkey) {
      const key = readPublicKey(body)
      if (key !== undefined) entity.subkeys.push({ key, binding: undefined, revoked: false })
    } else if (tag === packetTag.signature) {
      const signature = readSignature(body)
      if (signature?.hash !== undefined) takeStatement(entity, signature, userId)
    }
  }
  return entities
}

/** Takes what the owner says of a key, if it is the owner who says it. */
function takeStatement(entity: Entity, signature: Signature, userId: Buffer | undefined): void {
  const { primary } = entity
  const subkey = entity.subkeys.at(-1)
  const signs = (...parts: readonly Buffer[]): boolean =>
    matches(primary, signature, () => [hashedKey(primary), ...parts])
  switch (signature.type) {
    case 0x10:
    case 0x11:
    case 0x12:
    case 0x13:
      if (userId === undefined || subkey !== undefined || !signs(hashedUserId(userId))) return
      if (entity.self === undefined || entity.self.created <= signature.created) entity.self = signature
      return
    case 0x18: {
      if (subkey === undefined || !signs(hashedKey(subkey.key)) || !isVouched(primary, subkey.key, signature))
        return
      if (subkey.binding === undefined || subkey.binding.created <= signature.created)
        subkey.binding = signature
      return
    }
    case 0x20:
      if (signs()) entity.revoked = true
      return
    case 0x28:
      if (subkey !== undefined && signs(hashedKey(subkey.key))) subkey.revoked = true
      return
    default:
  }
}

/** A subkey that signs must say itself that it belongs to the primary key: anybody could claim it otherwise. */
function isVouched(primary: PublicKey, subkey: PublicKey, binding: Signature): boolean {
  if (binding.keyFlags === undefined || (binding.keyFlags & 2) === 0) return true
  const embedded = binding.embedded === undefined ? undefined : readSignature(binding.embedded)
  if (embedded?.type !== 0x19 || embedded.hash === undefined) return false
  return matches(subkey, embedded, () => [hashedKey(primary), hashedKey(subkey)])
}

function hashedKey({ body }: PublicKey): Buffer {
  return Buffer.concat([Buffer.of(0x99, body.length >> 8, body.length & 0xff), body])
}

function hashedUserId(body: Buffer): Buffer {
  const header = Buffer.alloc(5, 0xb4)
  header.writeUInt32BE(body.length, 1)
  return Buffer.concat([header, body])
}

/** Whether a key made a signature over data. */
function matches({ key, algorithm }: PublicKey, signature: Signature, data: OpenData): boolean {
  const { hash, trailer, values } = signature
  const isRsa = (one: number): boolean => one === 1 || one === 3
  if (key === undefined || hash === undefined) return false
  if (algorithm !== signature.algorithm && !(isRsa(algorithm) && isRsa(signature.algorithm))) return false
  try {
    if (algorithm === 22 || algorithm === 27) {
      const digest = createHash(hash)
      for (const chunk of hashedData(signature, data)) digest.update(chunk)
      return verify(null, digest.update(trailer).digest(), key, edSignature(algorithm, values))
    }
    const verifier = createVerify(hash)
    for (const chunk of hashedData(signature, data)) verifier.update(chunk)
    verifier.update(trailer)
    const [first, rest] = readMpi(values)
    if (algorithm !== 19)
      return verifier.verify(key, padded(first, (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8))
    const size = Math.ceil(curveBits(key.asymmetricKeyDetails?.namedCurve) / 8)
    const joined = Buffer.concat([padded(first, size), padded(readMpi(rest)[0], size)])
    return verifier.verify({ key, dsaEncoding: 'ieee-p1363' }, joined)
  } catch (e) {
    if (isSlipwayError(e) && e.code === 'invalid-argument') return false
    throw e
  }
}

/** Signatures over text see lines that end in CR LF. */
function* hashedData(signature: Signature, data: OpenData): Iterable<Uint8Array> {
  if (signature.type !== 0x01) {
    yield* data()
    return
  }
  let last = 0
  for (const chunk of data()) {
    const bytes: number[] = []
    for (const byte of chunk) {
      if (byte === 0x0a && last !== 0x0d) bytes.push(0x0d)
      bytes.push(byte)
      last = byte
    }
    yield Uint8Array.from(bytes)
  }
}

function edSignature(algorithm: number, values: Buffer): Buffer {
  if (algorithm === 27) return values.subarray(0, 64)
  const [r, rest] = readMpi(values)
  return Buffer.concat([padded(r, 32), padded(readMpi(rest)[0], 32)])
}

function padded(value: Buffer, size: number): Buffer {
  return value.length >= size ? value : Buffer.concat([Buffer.alloc(size - value.length), value])
}

const curveBits = (curve: string | undefined): number =>
  curve === 'secp521r1' ? 521 : curve === 'secp384r1' ? 384 : 256

const refused = (message: string): SlipwayError => new SlipwayError('permission-denied', message)
