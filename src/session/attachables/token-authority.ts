import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** The key by which a client is known again as one that may use a registry. */
export interface AuthorityKey {
  /** The 32 bytes of an ed25519 public key. */
  readonly publicKey: Uint8Array
  readonly privateKey: KeyObject
}

/** DER of an ed25519 key up to its 32 bytes. https://www.rfc-editor.org/rfc/rfc8410#section-7 */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * The key for a registry: made of the daemon's salt (so that a key says nothing to another daemon) and, for a user who is
 * not anonymous, the client's seed. All anonymous clients have the same key, as they have the same rights.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/session/auth/authprovider/authprovider.go (getAuthorityKey)
 */
export function authorityKey(salt: Uint8Array, seed: Uint8Array | undefined): AuthorityKey {
  const keySeed = createHmac('sha256', salt)
    .update(seed ?? new Uint8Array())
    .digest()
  const der = Buffer.concat([pkcs8Prefix, keySeed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { privateKey, publicKey: spki.subarray(spkiPrefix.length) }
}

/** A signature with the payload behind it (the form of NaCl's `crypto_sign`). */
export function signPayload(key: AuthorityKey, payload: Uint8Array): Uint8Array {
  return Buffer.concat([sign(null, payload, key.privateKey), payload])
}

/** Whether `signed` is this payload, signed with the private half of a public key of 32 bytes. */
export function isSignedPayload(publicKey: Uint8Array, signed: Uint8Array, payload: Uint8Array): boolean {
  if (publicKey.length !== 32 || signed.length !== 64 + payload.length) return false
  if (Buffer.compare(signed.subarray(64), payload) !== 0) return false
  const key = createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: 'der', type: 'spki' })
  return verify(null, payload, key, signed.subarray(0, 64))
}
