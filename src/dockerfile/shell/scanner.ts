/** Reads a text character by character (code points); the empty string stands for the end. */
export class Scanner {
  readonly #chars: readonly string[]
  #at = 0

  constructor(text: string) {
    this.#chars = Array.from(text.startsWith('\ufeff') ? text.slice(1) : text)
  }

  get atEnd(): boolean {
    return this.#at >= this.#chars.length
  }

  peek(): string {
    return this.#chars[this.#at] ?? ''
  }

  next(): string {
    return this.#chars[this.#at++] ?? ''
  }

  /** Skips the next character where it is `char`; tells whether it was. */
  skip(char: string): boolean {
    if (this.peek() !== char) return false
    this.#at++
    return true
  }

  /** Takes characters as long as `accept` holds. */
  takeWhile(accept: (char: string) => boolean): string {
    let taken = ''
    while (!this.atEnd && accept(this.peek())) taken += this.next()
    return taken
  }
}
