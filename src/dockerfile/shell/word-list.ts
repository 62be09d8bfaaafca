import { isSpace } from '../parser/white-space.ts'

/** Collects characters into words: white space ends a word unless it is added as raw text. */
export class WordList {
  readonly #words: string[] = []
  #word = ''

  /** Text that splits at white space: the value of a variable, or plain characters. */
  add(text: string): void {
    for (const char of text) {
      if (!isSpace(char)) this.#word += char
      else this.#end()
    }
  }

  /** Text that does not split: what was quoted or escaped. */
  addRaw(text: string): void {
    this.#word += text
  }

  /** The words so far. */
  take(): string[] {
    this.#end()
    return [...this.#words]
  }

  #end(): void {
    if (this.#word !== '') this.#words.push(this.#word)
    this.#word = ''
  }
}
