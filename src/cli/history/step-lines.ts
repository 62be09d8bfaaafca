/** Bytes of a line that are kept. */
const longest = 1 << 20

interface Line {
  readonly pieces: Buffer[]
  size: number
}

/** The last lines that a step printed, in the order in which they began; each stream goes on with its own line. */
export class StepLines {
  readonly #most: number
  readonly #lines: Line[] = []
  /** The line that a stream has not ended yet. */
  readonly #open = new Map<number, Line>()

  constructor(most: number) {
    this.#most = most
  }

  /** Adds what a step printed on a stream, at once or in pieces. */
  add(stream: number, data: Buffer): void {
    for (let from = 0; ; ) {
      const end = data.indexOf(0x0a, from)
      const piece = data.subarray(from, end === -1 ? undefined : end)
      if (piece.length > 0) this.#write(stream, piece)
      if (end === -1) return
      this.#open.delete(stream)
      from = end + 1
    }
  }

  /** The lines, without those that are empty. */
  last(): readonly string[] {
    return this.#lines.map(({ pieces }) => Buffer.concat(pieces).toString('utf8'))
  }

  #write(stream: number, piece: Buffer): void {
    const line = this.#open.get(stream) ?? this.#begin(stream)
    const kept = piece.subarray(0, longest - line.size)
    if (kept.length === 0) return
    line.pieces.push(kept)
    line.size += kept.length
  }

  #begin(stream: number): Line {
    const line = { pieces: [], size: 0 }
    this.#lines.push(line)
    if (this.#lines.length > this.#most) this.#lines.shift()
    this.#open.set(stream, line)
    return line
  }
}
