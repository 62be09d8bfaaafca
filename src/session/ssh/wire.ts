import { SlipwayError } from '../../errors/slipway-error.ts'

/** Reads the fields of an SSH message. Throws `invalid-argument` past its end. https://www.rfc-editor.org/rfc/rfc4251#section-5 */
export class WireReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  bytes(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new SlipwayError('invalid-argument', 'ssh: message too short')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE()
  }

  string(): Buffer {
    return this.bytes(this.uint32())
  }

  /** A positive big integer, without the leading zero that keeps it positive. */
  mpint(): Buffer {
    const bytes = this.string()
    let zeros = 0
    while (zeros < bytes.length - 1 && bytes[zeros] === 0) zeros++
    return bytes.subarray(zeros)
  }
}

/** A number of 32 bits. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Bytes with their length before them; texts are UTF-8. */
export function wireString(value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  return Buffer.concat([uint32(bytes.length), bytes])
}

/** A positive big integer, in the shortest form. */
export function mpint(value: Uint8Array): Buffer {
  let zeros = 0
  while (zeros < value.length - 1 && value[zeros] === 0) zeros++
  const bytes = value.subarray(zeros)
  return wireString(((bytes[0] ?? 0) & 0x80) !== 0 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes)
}
