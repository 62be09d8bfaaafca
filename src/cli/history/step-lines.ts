/** Lines that a step printed, in the order in which they began; each stream goes on with its own line. */
export class StepLines {
  readonly #lines: Buffer[][] = []
  /** The line that a stream has not ended yet. */
  readonly #open = new Map<number, Buffer[]>()

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

  /** The last of them, without those that are empty. */
  last(count: number): readonly string[] {
    return this.#lines.slice(-count).map(pieces => Buffer.concat(pieces).toString('utf8'))
  }

  #write(stream: number, piece: Buffer): void {
    const line = this.#open.get(stream)
    if (line !== undefined) {
      line.push(piece)
      return
    }
    const begun = [piece]
    this.#lines.push(begun)
    this.#open.set(stream, begun)
  }
}
