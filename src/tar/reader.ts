import { decodeName } from '../bytes/path-string.ts'
import { buildEntry, typeOfFlag } from './build-entry.ts'
import { blockSize, type TarEntry, type TarType } from './entry.ts'
import { type HeaderBlock, isGnu, parseHeaderBlock } from './header-block.ts'
import { parseNumber } from './number-field.ts'
import { type PaxRecord, parsePax, parsePaxNumber } from './pax.ts'
import {
  checkExtents,
  type Extent,
  mostExtents,
  paxSparse,
  readOldExtents,
  SparseMapReader,
} from './sparse.ts'
import { tarError } from './tar-error.ts'

/** Who gets the members of an archive. Calls come in order; a throw ends the reading. */
export interface TarSink {
  entry(entry: TarEntry): void
  /** A piece of a file's content at `offset`; holes are left out. The bytes belong to the caller of `write`. */
  data(chunk: Buffer, offset: number): void
  /** The member is complete. */
  finish(): void
  /** There is a global header. It says nothing about files, but what holds one is an archive. */
  global?(): void
}

/** The most bytes that an extended header, a long name or a sparse map may have; Go's archive/tar has the same. */
const mostSpecial = 1 << 20

type State = 'header' | 'special' | 'old-sparse' | 'sparse-map' | 'data' | 'skip' | 'end'

/**
 * Reads an archive that is pushed in, in chunks of any size: ustar, PAX, GNU and old V7, sparse files in all forms.
 * Global extended headers are checked and have no effect, as in Go. Throws `data-loss` for broken archives and
 * `unimplemented` for members that are no files. Nothing is held back but headers, and those are bounded.
 */
export class TarReader {
  readonly #sink: TarSink
  #state: State = 'header'
  /** Bytes of a block that came in pieces. */
  readonly #block = Buffer.allocUnsafeSlow(blockSize)
  #filled = 0
  /** Content of a special member so far, and what kind it is. */
  #special: Buffer = Buffer.alloc(0)
  #specialFilled = 0
  #specialKind = ''
  /** Bytes of data, then of padding, that are still to come. */
  #left = 0
  #padding = 0
  #zeroBlocks = 0
  #pax: readonly PaxRecord[] = []
  #longName: string | undefined
  #longLink: string | undefined
  #header: HeaderBlock | undefined
  #extents: readonly Extent[] = []
  #extentAt = 0
  #extentDone = 0
  #mapReader: SparseMapReader | undefined
  /** Whether the sink wants the data: only files have some, whatever the archive says. */
  #wanted = false

  constructor(sink: TarSink) {
    this.#sink = sink
  }

  /** Takes the next bytes. They may be used until the call returns. What comes after the end of the archive is ignored. */
  write(chunk: Uint8Array): void {
    const bytes = Buffer.isBuffer(chunk)
      ? chunk
      : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let at = 0
    while (at < bytes.length) {
      switch (this.#state) {
        case 'end':
          return
        case 'data':
          at = this.#takeData(bytes, at)
          break
        case 'special':
          at = this.#takeSpecial(bytes, at)
          break
        case 'skip': {
          const n = Math.min(this.#padding, bytes.length - at)
          at += n
          this.#padding -= n
          if (this.#padding === 0) this.#state = 'header'
          break
        }
        default:
          at = this.#takeBlock(bytes, at)
      }
    }
  }

  /** Whether the archive's own end has been read. */
  get ended(): boolean {
    return this.#state === 'end'
  }

  /** Tells that nothing more comes. Throws `data-loss` in the middle of a member. */
  end(): void {
    const between = this.#state === 'header' && this.#filled === 0 && this.#header === undefined
    const padded = this.#state === 'skip'
    if (this.#state !== 'end' && !padded && !between) throw tarError('unexpected EOF')
  }

  #takeBlock(bytes: Buffer, at: number): number {
    if (this.#filled === 0 && bytes.length - at >= blockSize) {
      this.#handleBlock(bytes.subarray(at, at + blockSize))
      return at + blockSize
    }
    const n = Math.min(blockSize - this.#filled, bytes.length - at)
    bytes.copy(this.#block, this.#filled, at, at + n)
    this.#filled += n
    if (this.#filled === blockSize) {
      this.#filled = 0
      this.#handleBlock(this.#block)
    }
    return at + n
  }

  #handleBlock(block: Buffer): void {
    if (this.#state === 'old-sparse') this.#oldSparse(block)
    else if (this.#state === 'sparse-map') this.#sparseMap(block)
    else if (isZero(block)) {
      this.#zeroBlocks++
      if (this.#zeroBlocks === 2) this.#state = 'end'
    } else {
      if (this.#zeroBlocks > 0) throw tarError('invalid tar header')
      this.#handleHeader(block)
    }
  }

  #handleHeader(block: Buffer): void {
    const header = parseHeaderBlock(block)
    if ('xgLK'.includes(header.typeflag)) {
      if (header.size < 0 || header.size > mostSpecial) throw tarError('header field too long')
      this.#specialKind = header.typeflag
      this.#special = Buffer.allocUnsafe(header.size)
      this.#specialFilled = 0
      this.#padding = paddingOf(header.size)
      this.#state = 'special'
      if (header.size === 0) this.#specialDone()
      return
    }
    this.#header = header
    for (const [key, value] of this.#pax) {
      if (key === 'size' && value.length > 0) header.size = parsePaxNumber(value.toString('latin1'))
    }
    if (header.size < 0) throw tarError('invalid tar header')
    if (header.typeflag === 'V') {
      this.#begin([], 0, undefined)
      return
    }
    const type = typeOfFlag[header.typeflag]
    if (type === undefined)
      throw tarError(`unhandled tar header type ${header.typeflag.charCodeAt(0)}`, 'unimplemented')
    if (type !== 'file') header.size = 0
    if (header.typeflag === 'S') this.#beginOldSparse(block)
    else this.#beginMember(header, type)
  }

  #beginMember(header: HeaderBlock, type: TarType): void {
    const sparse = type === 'file' ? paxSparse(this.#pax, decodeName) : undefined
    if (sparse === undefined) {
      this.#begin([{ offset: 0, length: header.size }], header.size, undefined)
    } else if (sparse.extents === undefined) {
      this.#mapReader = new SparseMapReader()
      this.#state = 'sparse-map'
    } else {
      this.#begin(sparse.extents, sparse.size ?? 0, sparse.name)
    }
  }

  #beginOldSparse(block: Buffer): void {
    if (!isGnu(block)) throw tarError('invalid tar header')
    const extents: Extent[] = []
    readOldExtents(block, 386, 4, extents)
    this.#extents = extents
    this.#left = parseNumber(block, 483, 12)
    this.#oldSparseNext(block[482] !== 0)
  }

  #oldSparse(block: Buffer): void {
    const extents = this.#extents as Extent[]
    if (extents.length + 21 > mostExtents) throw tarError('too many extents in a sparse file')
    readOldExtents(block, 0, 21, extents)
    this.#oldSparseNext(block[504] !== 0)
  }

  #oldSparseNext(more: boolean): void {
    if (more) this.#state = 'old-sparse'
    else this.#begin(this.#extents, this.#left, undefined)
  }

  #sparseMap(block: Buffer): void {
    const header = this.#header as HeaderBlock
    const reader = this.#mapReader as SparseMapReader
    header.size -= blockSize
    if (header.size < 0) throw tarError('invalid tar header')
    if (!reader.push(block)) return
    const sparse = paxSparse(this.#pax, decodeName)
    this.#begin(reader.extents, sparse?.size ?? 0, sparse?.name)
  }

  /** All headers of the member are known: hands it out and gets ready for its data. */
  #begin(extents: readonly Extent[], size: number, sparseName: string | undefined): void {
    const header = this.#header as HeaderBlock
    this.#extents = extents
    this.#extentAt = 0
    this.#extentDone = 0
    this.#left = header.size
    this.#padding = paddingOf(header.size)
    this.#wanted = false
    if (header.typeflag !== 'V') {
      checkExtents(extents, size, header.size)
      const names = { sparse: sparseName, long: this.#longName, longLink: this.#longLink }
      const entry = buildEntry(header, this.#pax, size, names)
      this.#wanted = entry.type === 'file'
      this.#sink.entry(entry)
    }
    this.#forgetNames()
    this.#state = 'data'
    if (this.#left === 0) this.#finish()
  }

  #forgetNames(): void {
    this.#pax = []
    this.#longName = undefined
    this.#longLink = undefined
  }

  #takeData(bytes: Buffer, at: number): number {
    const extent = this.#extents[this.#extentAt]
    const n = Math.min(
      this.#wanted && extent ? extent.length - this.#extentDone : this.#left,
      bytes.length - at,
    )
    if (this.#wanted && extent !== undefined) {
      if (n > 0) this.#sink.data(bytes.subarray(at, at + n), extent.offset + this.#extentDone)
      this.#extentDone += n
      if (this.#extentDone === extent.length) {
        this.#extentAt++
        this.#extentDone = 0
      }
    }
    this.#left -= n
    if (this.#left === 0) this.#finish()
    return at + n
  }

  #finish(): void {
    if (this.#header?.typeflag !== 'V') this.#sink.finish()
    this.#header = undefined
    this.#state = this.#padding > 0 ? 'skip' : 'header'
  }

  #takeSpecial(bytes: Buffer, at: number): number {
    const n = Math.min(this.#special.length - this.#specialFilled, bytes.length - at)
    bytes.copy(this.#special, this.#specialFilled, at, at + n)
    this.#specialFilled += n
    if (this.#specialFilled === this.#special.length) this.#specialDone()
    return at + n
  }

  #specialDone(): void {
    const bytes = this.#special
    if (this.#specialKind === 'L') this.#longName = untilNul(bytes)
    else if (this.#specialKind === 'K') this.#longLink = untilNul(bytes)
    else {
      const records = parsePax(bytes)
      if (this.#specialKind === 'x') this.#pax = records
      // A global header counts as a member of its own: what came before it spoke of it.
      else {
        this.#forgetNames()
        this.#sink.global?.()
      }
    }
    this.#special = Buffer.alloc(0)
    this.#state = this.#padding > 0 ? 'skip' : 'header'
  }
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return decodeName(end < 0 ? bytes : bytes.subarray(0, end))
}

function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize
}

const zeros = Buffer.alloc(blockSize)

function isZero(block: Buffer): boolean {
  return block[0] === 0 && block.equals(zeros)
}
