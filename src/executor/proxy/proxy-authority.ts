import { generateKeyPair, type KeyObject, randomBytes } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { promisify } from 'node:util'
import { makeCertificate } from './certificate.ts'

interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const hour = 3_600_000
const day = 24 * hour

/** Hosts that are remembered. */
const mostHosts = 1024

const subject = 'BuildKit exec proxy'

/** Vouches for every host, to the containers that are told to trust it. Its key is in memory only. */
export class ProxyAuthority {
  /** Its own certificate, in PEM. */
  readonly certificate: string
  readonly #key: KeyPair
  /** Of all hosts: nobody but this process is to know any of them. */
  readonly #hostKey: KeyPair
  readonly #hosts = new Map<string, { readonly context: SecureContext; readonly untilMs: number }>()
  readonly #now: () => number

  private constructor(key: KeyPair, hostKey: KeyPair, now: () => number) {
    this.#key = key
    this.#hostKey = hostKey
    this.#now = now
    this.certificate = makeCertificate({
      serial: serial(),
      issuer: subject,
      subject,
      notBefore: now() - hour,
      notAfter: now() + 3650 * day,
      publicKey: key.publicKey,
      issuerKey: key,
    })
  }

  /** Makes one with new keys: a tenth of a second of another thread's work. `now` in milliseconds since 1970. */
  static async create(now: () => number = Date.now): Promise<ProxyAuthority> {
    const make = promisify(generateKeyPair)
    // RSA: programs that know nothing else are found in images.
    const [key, hostKey] = await Promise.all([
      make('rsa', { modulusLength: 2048 }),
      make('rsa', { modulusLength: 2048 }),
    ])
    return new ProxyAuthority(key, hostKey, now)
  }

  /** What a server needs to pass for `host`, a name or an address. */
  contextFor(host: string): SecureContext {
    const known = this.#hosts.get(host)
    if (known !== undefined && known.untilMs > this.#now()) return known.context
    const now = this.#now()
    const cert = makeCertificate({
      serial: serial(),
      issuer: subject,
      subject: host,
      notBefore: now - hour,
      notAfter: now + day,
      publicKey: this.#hostKey.publicKey,
      issuerKey: this.#key,
      host,
    })
    const key = this.#hostKey.privateKey.export({ type: 'pkcs8', format: 'pem' })
    const context = createSecureContext({ cert, key })
    this.#hosts.delete(host)
    this.#hosts.set(host, { context, untilMs: now + day - hour })
    const [oldest = ''] = this.#hosts.keys()
    if (this.#hosts.size > mostHosts) this.#hosts.delete(oldest)
    return context
  }
}

const serial = (): Buffer => Buffer.concat([Buffer.from([1]), randomBytes(15)])
