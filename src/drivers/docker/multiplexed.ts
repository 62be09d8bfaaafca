import { Duplex } from 'node:stream'

/** Header of a frame: stream number, three zero bytes, length. */
const headerSize = 8

/** Takes docker's frames apart. Source: https://docs.docker.com/reference/api/engine/ "Stream format". */
export class FrameReader {
  readonly #onData: (stream: number, data: Buffer) => void
  #pending = Buffer.alloc(0)

  constructor(onData: (stream: number, data: Buffer) => void) {
    this.#onData = onData
  }

  /** Takes the next bytes; frames are passed on as far as they have come. */
  push(chunk: Buffer): void {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    while (bytes.length >= headerSize) {
      const size = bytes.readUInt32BE(4)
      if (bytes.length < headerSize + size) break
      this.#onData(bytes[0] ?? 0, bytes.subarray(headerSize, headerSize + size))
      bytes = bytes.subarray(headerSize + size)
    }
    this.#pending = Buffer.from(bytes)
  }
}

/** The standard output of a container's stream, and its input, as one byte stream; standard error goes to `onError`. */
export function demultiplex(attached: Duplex, onError: (data: Buffer) => void): Duplex {
  const reader = new FrameReader((stream, data) => {
    if (stream === 2) onError(data)
    else if (!duplex.push(data)) attached.pause()
  })
  const duplex: Duplex = new Duplex({
    read: () => void attached.resume(),
    write: (chunk: Uint8Array, _encoding, done) => void attached.write(chunk, error => done(error ?? null)),
    final: done => void attached.end(() => done()),
    destroy(error, done) {
      attached.destroy()
      done(error)
    },
  })
  attached.on('data', (chunk: Buffer) => reader.push(chunk))
  attached.once('end', () => duplex.push(null))
  attached.once('error', error => duplex.destroy(error))
  attached.once('close', () => {
    if (!duplex.readableEnded) duplex.push(null)
  })
  duplex.on('error', () => {})
  return duplex
}
