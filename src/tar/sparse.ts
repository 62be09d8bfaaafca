import { parseNumber } from './number-field.ts'
import { type PaxRecord, parsePaxNumber } from './pax.ts'
import { tarError } from './tar-error.ts'

/** Stretches of a file that the archive holds, in order; between them are holes. Bytes. */
export interface Extent {
  readonly offset: number
  readonly length: number
}

/** More extents are refused: an archive could otherwise fill the memory. */
export const mostExtents = 1 << 20

/** Throws `data-loss` unless extents are in order, inside a file of `size` bytes, and hold `stored` bytes in all. */
export function checkExtents(extents: readonly Extent[], size: number, stored: number): void {
  let end = 0
  let sum = 0
  for (const { offset, length } of extents) {
    if (offset < end || length < 0 || offset + length > size) throw tarError('invalid tar header')
    end = offset + length
    sum += length
  }
  if (sum !== stored || size < 0) throw tarError('invalid tar header')
}

/** Extents of a block in the old GNU form: pairs of 12 byte fields, ended by an empty one. */
export function readOldExtents(block: Buffer, start: number, most: number, extents: Extent[]): void {
  for (let i = 0; i < most; i++) {
    const at = start + i * 24
    if (block[at] === 0) return
    add(extents, parseNumber(block, at, 12), parseNumber(block, at + 12, 12))
  }
}

/** The parts of an extended header that speak of holes. Source: GNU tar manual, "Storing Sparse Files". */
export interface PaxSparse {
  /** The extents (forms 0.0 and 0.1), or undefined where they come before the data (form 1.0). */
  readonly extents: readonly Extent[] | undefined
  readonly name: string | undefined
  readonly size: number | undefined
}

/** Reads the GNU.sparse records, if there are any. */
export function paxSparse(
  records: readonly PaxRecord[],
  decode: (bytes: Buffer) => string,
): PaxSparse | undefined {
  let extents: Extent[] | undefined
  let version = ''
  let name: string | undefined
  let size: number | undefined
  let count: number | undefined
  let offset = 0
  for (const [key, value] of records) {
    if (!key.startsWith('GNU.sparse.')) continue
    const text = value.toString('latin1')
    if (key === 'GNU.sparse.major') version = `${text}.`
    else if (key === 'GNU.sparse.minor') version += text
    else if (key === 'GNU.sparse.name') name = decode(value)
    else if (key === 'GNU.sparse.size' || key === 'GNU.sparse.realsize') size = parsePaxNumber(text)
    else if (key === 'GNU.sparse.offset') offset = parsePaxNumber(text)
    else if (key === 'GNU.sparse.numbytes') add((extents ??= []), offset, parsePaxNumber(text))
    else if (key === 'GNU.sparse.map') extents = parseMap(text)
    else if (key === 'GNU.sparse.numblocks') count = parsePaxNumber(text)
  }
  if (version === '1.0') return { extents: undefined, name, size }
  // As in Go: a form that nobody knows makes an ordinary file.
  if (version !== '' && version !== '0.0' && version !== '0.1') return undefined
  if (count === 0) extents ??= []
  if (extents !== undefined && extents.length !== count) throw tarError('invalid tar header')
  return extents === undefined ? undefined : { extents, name, size }
}

function parseMap(text: string): Extent[] {
  const extents: Extent[] = []
  if (text === '') return extents
  const numbers = text.split(',')
  if (numbers.length % 2 !== 0) throw tarError('invalid tar header')
  for (let i = 0; i < numbers.length; i += 2) {
    add(extents, parsePaxNumber(numbers[i] as string), parsePaxNumber(numbers[i + 1] as string))
  }
  return extents
}

function add(extents: Extent[], offset: number, length: number): void {
  if (extents.length >= mostExtents) throw tarError('too many extents in a sparse file')
  extents.push({ offset, length })
}

/**
 * The map that precedes the data in form 1.0: decimal numbers on lines of their own, their count of pairs first, filled
 * up to a whole block. Fed block by block.
 */
export class SparseMapReader {
  #text = ''
  #count = -1
  readonly extents: Extent[] = []
  #offset: number | undefined

  /** Takes one block; true when the map is complete. */
  push(block: Buffer): boolean {
    this.#text += block.toString('latin1')
    for (;;) {
      if (this.#count >= 0 && this.extents.length === this.#count) return true
      const newline = this.#text.indexOf('\n')
      if (newline < 0) break
      this.#take(parsePaxNumber(this.#text.slice(0, newline)))
      this.#text = this.#text.slice(newline + 1)
    }
    if (this.#text.length > 20) throw tarError('invalid tar header')
    return false
  }

  #take(value: number): void {
    if (this.#count < 0) {
      if (value < 0) throw tarError('invalid tar header')
      if (value > mostExtents) throw tarError('too many extents in a sparse file')
      this.#count = value
    } else if (this.#offset === undefined) this.#offset = value
    else {
      add(this.extents, this.#offset, value)
      this.#offset = undefined
    }
  }
}
