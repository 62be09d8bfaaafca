/** Longest line in bytes of UTF-8, its newline not counted. Source: `# E1`, bufio.MaxScanTokenSize of Go. */
export const maxLineBytes = 65535

/** Gives the lines of a text one by one, with their line endings. A line that is too long ends the text. */
export class LineReader {
  readonly #text: string
  #at = 0
  #tooLong = false

  constructor(text: string) {
    this.#text = text
  }

  /** True once a line longer than `maxLineBytes` was met. */
  get tooLong(): boolean {
    return this.#tooLong
  }

  /** The next line; undefined at the end. */
  next(): string | undefined {
    if (this.#tooLong || this.#at >= this.#text.length) return undefined
    const end = this.#text.indexOf('\n', this.#at)
    const stop = end < 0 ? this.#text.length : end + 1
    const line = this.#text.slice(this.#at, stop)
    if (line.length > maxLineBytes / 3 && Buffer.byteLength(line) > maxLineBytes + (end < 0 ? 0 : 1)) {
      this.#tooLong = true
      return undefined
    }
    this.#at = stop
    return line
  }
}
