/** Bytes that are held back for want of a line's end. */
const mostHeld = 64 * 1024

/**
 * Writes whole lines, each behind a prefix, so that the output of several at once can be told apart. What is longer than
 * 64 KiB is broken into several.
 */
export class PrefixedLines implements Disposable {
  readonly #prefix: string
  readonly #write: (line: Uint8Array) => unknown
  #rest: Uint8Array = new Uint8Array()

  constructor(prefix: string, write: (line: Uint8Array) => unknown) {
    this.#prefix = prefix
    this.#write = write
  }

  write(chunk: Uint8Array): void {
    const text = Buffer.concat([this.#rest, chunk])
    const end = text.lastIndexOf(0x0a) + 1
    for (let from = 0; from < end; ) {
      const next = text.indexOf(0x0a, from) + 1
      this.#write(Buffer.concat([Buffer.from(this.#prefix), text.subarray(from, next)]))
      from = next
    }
    this.#rest = text.subarray(end)
    if (this.#rest.length > mostHeld) this.#endLine()
  }

  /** Ends a last line that has no end of its own. */
  [Symbol.dispose](): void {
    this.#endLine()
  }

  #endLine(): void {
    if (this.#rest.length > 0) this.write(Buffer.from('\n'))
  }
}
