/** One line of a step's output as it grows: the time in front, then pieces of the line in the order they came. */
export class LogLine {
  readonly #parts: Uint8Array[]

  /** `seconds` is the age of the step when the line began. */
  constructor(seconds: string, first: Uint8Array) {
    this.#parts = [new TextEncoder().encode(`${seconds} `), first]
  }

  /** Number of pieces so far, for `from`. */
  get length(): number {
    return this.#parts.length
  }

  /** Adds to the end of the line. */
  append(piece: Uint8Array): void {
    this.#parts.push(piece)
  }

  /** The bytes from piece number `from` on. */
  bytes(from = 0): Uint8Array {
    return Buffer.concat(this.#parts.slice(from))
  }
}

/** Cuts output at newlines. `ended` tells that the last piece was followed by one. */
export function splitLines(data: Uint8Array): {
  readonly lines: readonly Uint8Array[]
  readonly ended: boolean
} {
  const lines: Uint8Array[] = []
  let from = 0
  while (from < data.length) {
    const newline = data.indexOf(10, from)
    if (newline < 0) return { lines: [...lines, data.subarray(from)], ended: false }
    lines.push(data.subarray(from, newline))
    from = newline + 1
  }
  return { lines, ended: true }
}
