import { createHash, type KeyObject, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { ipv6Bytes } from '../../sys/socket-address.ts'
import { der, explicit, integer, objectIdentifier, sequence, time } from './der.ts'

/** What a certificate says. */
export interface CertificateFacts {
  readonly serial: Uint8Array
  /** Common names. */
  readonly issuer: string
  readonly subject: string
  /** Milliseconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
  /** RSA, as is the issuer's. */
  readonly publicKey: KeyObject
  readonly issuerKey: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  /** Name or address of a server; absent for an authority. */
  readonly host?: string
}

const oid = {
  commonName: '2.5.4.3',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const

const yes = der(0x01, Buffer.from([0xff]))
const algorithm = sequence(objectIdentifier(oid.sha256WithRsa), der(0x05))

/** A certificate of version 3 in PEM. Source: RFC 5280. */
export function makeCertificate(facts: CertificateFacts): string {
  const { publicKey, issuerKey } = facts
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(facts.serial),
    algorithm,
    name(facts.issuer),
    sequence(time(facts.notBefore), time(facts.notAfter)),
    name(facts.subject),
    spki(publicKey),
    explicit(3, sequence(...extensions(facts))),
  )
  const signature = sign('sha256', body, issuerKey.privateKey)
  const whole = sequence(body, algorithm, bits(signature))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function extensions({ host, publicKey, issuerKey }: CertificateFacts): Buffer[] {
  const ids = [
    extension(oid.subjectKeyId, false, der(0x04, keyId(publicKey))),
    extension(oid.authorityKeyId, false, sequence(der(0x80, keyId(issuerKey.publicKey)))),
  ]
  if (host === undefined) {
    // digitalSignature, keyCertSign
    return [
      extension(oid.basicConstraints, true, sequence(yes)),
      extension(oid.keyUsage, true, bits(Buffer.from([0x84]), 2)),
      ...ids,
    ]
  }
  // digitalSignature, keyEncipherment
  return [
    extension(oid.basicConstraints, true, sequence()),
    extension(oid.keyUsage, true, bits(Buffer.from([0xa0]), 5)),
    extension(oid.extendedKeyUsage, false, sequence(objectIdentifier(oid.serverAuth))),
    extension(oid.subjectAltName, false, sequence(alternativeName(host))),
    ...ids,
  ]
}

const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(objectIdentifier(id), ...(critical ? [yes] : []), der(0x04, value))

/** Names are cut to what X.520 allows; what counts is the alternative name. */
const name = (text: string): Buffer =>
  sequence(der(0x31, sequence(objectIdentifier(oid.commonName), der(0x0c, Buffer.from(text.slice(0, 64))))))

function alternativeName(host: string): Buffer {
  const version = isIP(host)
  if (version === 0) return der(0x82, Buffer.from(host, 'latin1'))
  return der(0x87, version === 4 ? Buffer.from(host.split('.').map(Number)) : ipv6Bytes(host))
}

const bits = (bytes: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.from([unused]), bytes)

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })

const keyId = (key: KeyObject): Buffer => createHash('sha1').update(spki(key)).digest()
