import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { armorBlocks } from './armor.ts'

/**
 * Verifies a signature that `ssh-keygen -Y sign -n <namespace>` made, by one key (a line of authorized_keys). Throws
 * `permission-denied`, `invalid-argument`.
 * Form: https://github.com/openssh/openssh-portable/blob/V_9_9_P1/PROTOCOL.sshsig
 */
export function verifySshSignature(data: Uint8Array, armored: string, key: string, namespace: string): void {
  const block = armorBlocks(armored).find(one => one.type === 'SSH SIGNATURE')
  if (block === undefined) throw invalid('failed to decode ssh signature PEM block')
  const reader = new SshReader(block.bytes)
  if (reader.take(6).toString('latin1') !== 'SSHSIG') throw invalid('failed to parse ssh signature')
  const version = reader.number()
  if (version !== 1) throw refused(`unsupported SSH signature version: ${version}`)
  const signer = reader.field()
  const used = reader.field().toString('utf8')
  const reserved = reader.field()
  const hash = reader.field().toString('utf8')
  const signature = new SshReader(reader.field())
  if (hash !== 'sha256' && hash !== 'sha512')
    throw refused(`unsupported SSH signature hash algorithm: ${hash}`)
  if (used !== namespace) throw refused(`unexpected SSH signature namespace: ${JSON.stringify(used)}`)
  const wanted = readAuthorizedKey(key)
  if (!wanted.equals(signer))
    throw refused('failed to verify ssh signature: public key does not match signature')
  const signed = Buffer.concat([
    Buffer.from('SSHSIG'),
    ...[Buffer.from(used), reserved, Buffer.from(hash), createHash(hash).update(data).digest()].map(field),
  ])
  if (!matches(wanted, signature, signed))
    throw refused('failed to verify ssh signature: signature did not verify')
}

function readAuthorizedKey(text: string): Buffer {
  for (const line of text.split('\n')) {
    const found = /(?:^|\s)((?:ssh-|ecdsa-|sk-)\S+)\s+([A-Za-z0-9+/]+={0,2})(?:\s|$)/.exec(line)
    if (found === null || line.trimStart().startsWith('#')) continue
    const blob = Buffer.from(found[2] ?? '', 'base64')
    if (new SshReader(blob).field().toString('latin1') === found[1]) return blob
  }
  throw invalid('failed to parse ssh public key: ssh: no key found')
}

function matches(blob: Buffer, signature: SshReader, signed: Buffer): boolean {
  const algorithm = signature.field().toString('latin1')
  const value = signature.field()
  const reader = new SshReader(blob)
  const type = reader.field().toString('latin1')
  if (type === 'ssh-ed25519' && algorithm === type) {
    return verify(null, signed, okp(reader.field()), value)
  }
  if (type === 'ssh-rsa' && (algorithm === 'rsa-sha2-256' || algorithm === 'rsa-sha2-512')) {
    const [e, n] = [reader.field(), reader.field()]
    const key = jwk({ kty: 'RSA', n: text(unsigned(n)), e: text(unsigned(e)) })
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) throw refused('RSA key too short')
    return verify(algorithm.replace('rsa-sha2-', 'sha'), signed, key, value)
  }
  const curve = /^ecdsa-sha2-nistp(256|384|521)$/.exec(type)?.[1]
  if (curve === undefined || algorithm !== type) throw refused(`unsupported SSH key type ${type}`)
  reader.field()
  const point = reader.field()
  const size = Math.ceil(Number(curve) / 8)
  const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)]
  const key = jwk({ kty: 'EC', crv: `P-${curve}`, x: text(x), y: text(y) })
  const parts = new SshReader(value)
  const joined = Buffer.concat([padded(parts.field(), size), padded(parts.field(), size)])
  const hash = { 256: 'sha256', 384: 'sha384', 521: 'sha512' }[curve] ?? 'sha256'
  return verify(hash, signed, { key, dsaEncoding: 'ieee-p1363' }, joined)
}

/** Fields of SSH's wire form: lengths in 4 bytes in front of them. */
class SshReader {
  #rest: Buffer

  constructor(bytes: Buffer) {
    this.#rest = bytes
  }

  take(length: number): Buffer {
    if (length > this.#rest.length) throw invalid('failed to parse ssh signature: unexpected end')
    const bytes = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return bytes
  }

  number(): number {
    return this.take(4).readUInt32BE(0)
  }

  field(): Buffer {
    return this.take(this.number())
  }
}

function field(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const text = (bytes: Buffer): string => bytes.toString('base64url')
const okp = (x: Buffer): KeyObject => jwk({ kty: 'OKP', crv: 'Ed25519', x: text(x) })

function jwk(key: Record<string, string>): KeyObject {
  try {
    return createPublicKey({ key, format: 'jwk' })
  } catch (e) {
    throw new SlipwayError('invalid-argument', 'failed to parse ssh public key', { cause: e })
  }
}

/** A number without the zero that keeps it positive. */
const unsigned = (bytes: Buffer): Buffer => (bytes[0] === 0 ? bytes.subarray(1) : bytes)

function padded(bytes: Buffer, size: number): Buffer {
  const value = unsigned(bytes)
  return value.length >= size ? value : Buffer.concat([Buffer.alloc(size - value.length), value])
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
const refused = (message: string): SlipwayError => new SlipwayError('permission-denied', message)
