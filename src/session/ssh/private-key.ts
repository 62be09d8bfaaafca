import { createPrivateKey, type KeyObject, type webcrypto } from 'node:crypto'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { mpint, WireReader, wireString } from './wire.ts'

/** A private key and the public half in SSH's form. */
export interface SshKey {
  readonly type: string
  readonly publicBlob: Buffer
  readonly privateKey: KeyObject
}

/** Curve names: SSH's, JWK's, and the hash that goes with each. */
export const curves = {
  'ecdsa-sha2-nistp256': { name: 'nistp256', jwk: 'P-256', hash: 'sha256', bytes: 32 },
  'ecdsa-sha2-nistp384': { name: 'nistp384', jwk: 'P-384', hash: 'sha384', bytes: 48 },
  'ecdsa-sha2-nistp521': { name: 'nistp521', jwk: 'P-521', hash: 'sha512', bytes: 66 },
} as const

/** A key type with a curve. */
export type CurveType = keyof typeof curves

/** Tells an ECDSA key type. */
export function isCurveType(type: string): type is CurveType {
  return type in curves
}

/**
 * Reads an unencrypted private key: OpenSSH's own form, or PEM (PKCS#1, PKCS#8, SEC 1) of RSA, ECDSA or ed25519. Throws
 * `invalid-argument` with the messages of Go's ssh package.
 */
export function parsePrivateKey(text: string): SshKey {
  const openssh = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END/.exec(text)
  if (openssh !== null) return parseOpenSsh(Buffer.from(openssh[1] as string, 'base64'))
  if (!text.includes('-----BEGIN ')) throw new SlipwayError('invalid-argument', 'ssh: no key found')
  if (/ENCRYPTED/.test(text)) throw passphrase()
  try {
    return sshKey(createPrivateKey(text))
  } catch (cause) {
    throw new SlipwayError('invalid-argument', 'ssh: unsupported or malformed private key', { cause })
  }
}

/** Source: https://github.com/openssh/openssh-portable/blob/V_10_0/PROTOCOL.key */
function parseOpenSsh(bytes: Buffer): SshKey {
  const magic = 'openssh-key-v1\0'
  if (bytes.subarray(0, magic.length).toString('latin1') !== magic) {
    throw new SlipwayError('invalid-argument', 'ssh: invalid openssh private key format')
  }
  const outer = new WireReader(bytes.subarray(magic.length))
  const cipher = outer.string().toString()
  outer.string()
  outer.string()
  if (outer.uint32() !== 1)
    throw new SlipwayError('invalid-argument', 'ssh: multi-key files are not supported')
  outer.string()
  if (cipher !== 'none') throw passphrase()
  const reader = new WireReader(outer.string())
  if (reader.uint32() !== reader.uint32())
    throw new SlipwayError('invalid-argument', 'ssh: malformed OpenSSH key')
  return sshKey(createPrivateKey({ key: readJwk(reader), format: 'jwk' }))
}

function readJwk(reader: WireReader): webcrypto.JsonWebKey {
  const type = reader.string().toString()
  const text = (bytes: Buffer): string => bytes.toString('base64url')
  if (type === 'ssh-ed25519') {
    const x = reader.string()
    const seed = reader.string().subarray(0, 32)
    return { kty: 'OKP', crv: 'Ed25519', x: text(x), d: text(seed) }
  }
  if (type === 'ssh-rsa') {
    const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => reader.mpint()) as [
      Buffer,
      Buffer,
      Buffer,
      Buffer,
      Buffer,
      Buffer,
    ]
    const number = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`)
    const mod = (prime: Buffer): string => text(bytesOf(number(d) % (number(prime) - 1n)))
    return {
      kty: 'RSA',
      n: text(n),
      e: text(e),
      d: text(d),
      p: text(p),
      q: text(q),
      dp: mod(p),
      dq: mod(q),
      qi: text(qi),
    }
  }
  if (isCurveType(type)) {
    const { jwk, bytes } = curves[type]
    reader.string()
    const point = reader.string()
    const d = reader.mpint()
    const padded = Buffer.concat([Buffer.alloc(Math.max(0, bytes - d.length)), d])
    return {
      kty: 'EC',
      crv: jwk,
      x: text(point.subarray(1, 1 + bytes)),
      y: text(point.subarray(1 + bytes)),
      d: text(padded),
    }
  }
  throw new SlipwayError('invalid-argument', `ssh: unhandled key type ${type}`)
}

function bytesOf(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

function sshKey(privateKey: KeyObject): SshKey {
  const jwk = privateKey.export({ format: 'jwk' })
  const field = (value: string | undefined): Buffer => Buffer.from(value ?? '', 'base64url')
  const key = (type: string, ...fields: readonly Buffer[]): SshKey => ({
    type,
    privateKey,
    publicBlob: Buffer.concat([wireString(type), ...fields]),
  })
  if (jwk.kty === 'RSA') return key('ssh-rsa', mpint(field(jwk.e)), mpint(field(jwk.n)))
  if (jwk.crv === 'Ed25519') return key('ssh-ed25519', wireString(field(jwk.x)))
  for (const [type, curve] of Object.entries(curves)) {
    if (jwk.crv !== curve.jwk) continue
    const point = Buffer.concat([Buffer.of(4), field(jwk.x), field(jwk.y)])
    return key(type, wireString(curve.name), wireString(point))
  }
  throw new SlipwayError(
    'invalid-argument',
    `ssh: unsupported key type ${privateKey.asymmetricKeyType ?? ''}`,
  )
}

function passphrase(): SlipwayError {
  return new SlipwayError('invalid-argument', 'ssh: this private key is passphrase protected', {
    hint: 'add the key to an ssh agent (ssh-add) and give the build the agent: --ssh default',
  })
}
