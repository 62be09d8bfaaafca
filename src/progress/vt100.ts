const sequence = /^\x1b(?:\[([0-?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*([0-Z\\-~]))/
const partialSequence = /^\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)$/

/**
 * The window of one step's output: a small screen that understands as much of a terminal as programs use to redraw
 * their progress bars (carriage return, cursor moves, erasing). Colours are dropped. Longer lines wrap, the window
 * scrolls.
 */
export class Vt100 {
  #width: number
  #height: number
  #rows: string[][]
  #x = 0
  #y = 0
  #saved: { readonly x: number; readonly y: number } = { x: 0, y: 0 }
  #rest = ''
  readonly #decoder = new TextDecoder()

  /** Sizes below one are taken as one. */
  constructor(height: number, width: number) {
    this.#height = Math.max(1, height)
    this.#width = Math.max(1, width)
    this.#rows = Array.from({ length: this.#height }, () => this.#blank())
  }

  /** Rows with anything on them, padded to the width. */
  lines(): string[] {
    return this.#rows.filter(row => row.some(char => char !== ' ')).map(row => row.join(''))
  }

  /** Number of rows with anything on them. */
  get usedHeight(): number {
    return this.lines().length
  }

  /** Changes the size; what does not fit is cut at the right and at the bottom. At least 6 columns and 1 row. */
  resize(height: number, width: number): void {
    const rows = Math.max(1, height)
    const columns = Math.max(6, width)
    if (rows === this.#height && columns === this.#width) return
    this.#width = columns
    this.#height = rows
    this.#x = Math.min(this.#x, columns - 1)
    const kept = this.#rows.slice(0, rows)
    this.#rows = Array.from({ length: rows }, (_, i) => {
      const row = (kept[i] ?? []).slice(0, columns)
      return [...row, ...Array<string>(columns - row.length).fill(' ')]
    })
  }

  /** Shows output; a sequence or character cut in the middle waits for its other part. */
  write(data: Uint8Array): void {
    let text = this.#rest + this.#decoder.decode(data, { stream: true })
    this.#rest = ''
    while (text !== '') {
      if (text[0] === '\x1b') {
        const found = sequence.exec(text)
        if (found !== null) {
          this.#command(found[2] ?? found[3] ?? '', found[1] ?? '')
          text = text.slice(found[0].length)
          continue
        }
        if (partialSequence.test(text) && text.length < 64) {
          this.#rest = text
          return
        }
        text = text.slice(1)
        continue
      }
      const run = /^[^\x00-\x1f\x7f-\x9f]+/.exec(text)?.[0]
      if (run === undefined) {
        this.#control(text[0] ?? '')
        text = text.slice(1)
      } else {
        for (const char of run) this.#put(char)
        text = text.slice(run.length)
      }
    }
  }

  #blank(): string[] {
    return Array<string>(this.#width).fill(' ')
  }

  /** Blank lines that run over the bottom scroll once, as they come: they would only push text out of sight. */
  #put(char: string): void {
    if (this.#y >= this.#height) {
      this.#rows.shift()
      this.#rows.push(this.#blank())
      this.#y = this.#height - 1
    }
    const row = this.#rows[this.#y]
    if (row !== undefined) row[this.#x] = char
    this.#x++
    if (this.#x >= this.#width) this.#newline()
  }

  #newline(): void {
    this.#x = 0
    this.#y++
  }

  #control(char: string): void {
    if (char === '\n') this.#newline()
    else if (char === '\r') this.#x = 0
    else if (char === '\b') this.#backspace()
  }

  #backspace(): void {
    if (this.#x > 0) this.#x--
    else if (this.#y > 0) {
      this.#y--
      this.#x = this.#width - 1
    }
  }

  #command(name: string, text: string): void {
    if (!/^[0-9;]*$/.test(text)) return
    const args = text === '' ? [] : text.split(';').map(Number)
    const by = args[0] ?? 1
    switch (name) {
      case 's':
      case '7':
        this.#saved = { x: this.#x, y: this.#y }
        return
      case 'u':
      case '8':
        this.#x = this.#saved.x
        this.#y = this.#saved.y
        return
      case 'A':
        return this.#move(this.#y - by, this.#x)
      case 'B':
        return this.#move(this.#y + by, this.#x)
      case 'C':
        return this.#move(this.#y, this.#x + by)
      case 'D':
        return this.#move(this.#y, this.#x - by)
      case 'H':
      case 'f':
        return args.length < 2 ? this.#move(0, 0) : this.#move((args[0] ?? 1) - 1, (args[1] ?? 1) - 1)
      case 'K':
        return this.#eraseInLine(args[0] ?? 0)
      case 'J':
        return this.#eraseLines(args[0] ?? 0)
      default:
        return
    }
  }

  #move(y: number, x: number): void {
    this.#y = Math.min(Math.max(0, y), this.#height - 1)
    this.#x = Math.min(Math.max(0, x), this.#width - 1)
  }

  #eraseInLine(part: number): void {
    const row = this.#rows[this.#y]
    if (row === undefined || part > 2) return
    row.fill(' ', part === 0 ? this.#x : 0, part === 1 ? this.#x + 1 : this.#width)
  }

  #eraseLines(part: number): void {
    if (part > 2) return
    const from = part === 0 ? this.#y : 0
    const to = part === 1 ? this.#y + 1 : this.#height
    for (let y = from; y < to; y++) this.#rows[y]?.fill(' ')
  }
}
