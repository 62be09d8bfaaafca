import { FunctionError } from '../function.ts'

/**
 * The bcrypt hash of a password (https://www.usenix.org/legacy/events/usenix99/provos/provos.pdf) with 2^cost rounds:
 * `$2a$cost$salt+hash`. `salt` is 16 bytes. Costs below 4 count as 10; above 14 they are refused, as they take minutes.
 */
export function bcryptHash(password: string, cost: number, salt: Uint8Array): string {
  const fail = (why: string): FunctionError => new FunctionError(`error occured generating password ${why}`)
  const key = Buffer.from(password)
  if (key.length > 72) throw fail('bcrypt: password length exceeds 72 bytes')
  const rounds = cost < 4 ? 10 : cost
  if (rounds > 31) throw fail(`crypto/bcrypt: cost ${cost} is outside allowed inclusive range 4..31`)
  if (rounds > 14) throw fail(`cost ${cost} takes too long`)
  const cipher = new Blowfish()
  const padded = Buffer.concat([key, Buffer.alloc(1)])
  cipher.expand(padded, salt)
  for (let i = 0; i < 2 ** rounds; i++) {
    cipher.expand(padded)
    cipher.expand(salt)
  }
  const block = Buffer.from('OrpheanBeholderScryDoubt')
  for (let at = 0; at < 24; at += 8) for (let i = 0; i < 64; i++) cipher.encrypt(block, at)
  return `$2a$${String(rounds).padStart(2, '0')}$${encode(salt)}${encode(block.subarray(0, 23))}`
}

const standard = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Base64 with bcrypt's own alphabet, without padding. */
function encode(bytes: Uint8Array): string {
  const plain = Buffer.from(bytes).toString('base64').replace(/=+$/, '')
  return Array.from(plain, c => alphabet[standard.indexOf(c)]).join('')
}

class Blowfish {
  readonly #p: Uint32Array
  readonly #s: Uint32Array

  constructor() {
    const words = fractionOfPi(18 + 1024)
    this.#p = words.slice(0, 18)
    this.#s = words.slice(18)
  }

  /** Mixes the key into the state; with a salt, the salt too. */
  expand(key: Uint8Array, salt?: Uint8Array): void {
    let at = 0
    for (let i = 0; i < 18; i++) {
      let word = 0
      for (let n = 0; n < 4; n++) word = (word << 8) | (key[at++ % key.length] as number)
      this.#p[i] = (this.#p[i] as number) ^ word
    }
    const half = Buffer.alloc(8)
    let from = 0
    for (const table of [this.#p, this.#s]) {
      for (let i = 0; i < table.length; i += 2) {
        if (salt !== undefined) {
          for (let n = 0; n < 8; n++) half[n] = (half[n] as number) ^ (salt[(from + n) % 16] as number)
          from += 8
        }
        this.encrypt(half, 0)
        table[i] = half.readUInt32BE(0)
        table[i + 1] = half.readUInt32BE(4)
      }
    }
  }

  /** Encrypts the eight bytes at `at` in place. */
  encrypt(block: Buffer, at: number): void {
    const p = this.#p
    const s = this.#s
    let left = block.readUInt32BE(at) ^ (p[0] as number)
    let right = block.readUInt32BE(at + 4)
    for (let i = 1; i <= 16; i++) {
      const f =
        (((s[left >>> 24] as number) + (s[256 + ((left >>> 16) & 255)] as number)) ^
          (s[512 + ((left >>> 8) & 255)] as number)) +
        (s[768 + (left & 255)] as number)
      const next = right ^ f ^ (p[i] as number)
      right = left
      left = next
    }
    block.writeUInt32BE((right ^ (p[17] as number)) >>> 0, at)
    block.writeUInt32BE(left >>> 0, at + 4)
  }
}

/** The first 32-bit words of the binary fraction of π, the numbers Blowfish begins with. */
function fractionOfPi(count: number): Uint32Array {
  const bits = BigInt(count * 32)
  const guard = 64n
  const one = 1n << (bits + guard)
  const arctanOfInverse = (n: bigint): bigint => {
    let power = one / n
    let sum = power
    for (let k = 3n, sign = -1n; power !== 0n; k += 2n, sign = -sign) {
      power /= n * n
      sum += (sign * power) / k
    }
    return sum
  }
  const pi = 4n * (4n * arctanOfInverse(5n) - arctanOfInverse(239n))
  const hex = ((pi >> guard) & ((1n << bits) - 1n)).toString(16).padStart(count * 8, '0')
  return Uint32Array.from({ length: count }, (_, i) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16))
}
