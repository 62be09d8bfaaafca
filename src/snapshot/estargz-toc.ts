import { createHash, type Hash } from 'node:crypto'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { TarEntry } from '../tar/entry.ts'
import { TarReader } from '../tar/reader.ts'

/** Name of the table of contents in the archive. */
export const tocName = 'stargz.index.json'

/** Files are cut into pieces of this many bytes. */
const chunkSize = 4 << 20

/** One gzip member of the blob; its offset is known once everything before it is compressed. */
export interface Member {
  offset: number
}

/** A line of the table of contents. Source: stargz-snapshotter v0.18.1 estargz/types.go, TOCEntry. */
interface TocEntry {
  readonly name: string
  readonly type: string
  /** Fields that stand before the offset, and those behind it. */
  readonly attributes?: Readonly<Record<string, unknown>>
  readonly special?: Readonly<Record<string, unknown>>
  /** The gzip member that holds the piece of the file that the line is about. */
  member?: Member
  digest?: string
  readonly chunkOffset?: number
  readonly chunkSize?: number
  chunkDigest?: string
}

/** The file whose content passes. */
interface OpenFile {
  readonly entry: TarEntry
  first: TocEntry | undefined
  readonly hash: Hash
}

/** Follows the archive as it passes: notes its members and says where files' data begins. */
export class TocBuilder {
  readonly #cut: () => Member
  readonly #reader: TarReader
  readonly #entries: TocEntry[] = []
  #file: OpenFile | undefined
  #chunk: { readonly entry: TocEntry; readonly hash: Hash } | undefined
  /** Positions in the bytes at hand where a piece of a file begins, with what is to be called there. */
  #starts: { readonly at: number; readonly begin: () => void }[] = []
  #base = 0

  constructor(cut: () => Member) {
    this.#cut = cut
    this.#reader = new TarReader({
      entry: entry => this.#begin(entry),
      data: (bytes, offset) => this.#data(bytes, offset),
      finish: () => this.#finish(),
    })
  }

  /** The bytes in pieces, cut where a new member has to begin. */
  *split(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.#base = bytes.byteOffset
    this.#starts = []
    this.#reader.write(bytes)
    let at = 0
    for (const start of this.#starts) {
      if (start.at > at) yield bytes.subarray(at, start.at)
      start.begin()
      at = start.at
    }
    if (at < bytes.length) yield bytes.subarray(at)
  }

  end(): void {
    this.#reader.end()
  }

  /** The table as Go's encoding/json writes it, indented by tabs. */
  json(): string {
    const entries = this.#entries.map(entry => ({
      name: entry.name,
      type: entry.type,
      ...entry.attributes,
      ...(entry.member === undefined ? {} : { offset: entry.member.offset }),
      ...entry.special,
      ...(entry.digest === undefined ? {} : { digest: entry.digest }),
      ...(entry.chunkOffset ? { chunkOffset: entry.chunkOffset } : {}),
      ...(entry.chunkSize === undefined ? {} : { chunkSize: entry.chunkSize }),
      ...(entry.chunkDigest === undefined ? {} : { chunkDigest: entry.chunkDigest }),
    }))
    const text = JSON.stringify({ version: 1, entries }, undefined, '\t')
    return text.replace(/[<>&\u2028\u2029]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  }

  #begin(entry: TarEntry): void {
    if (entry.name.replace(/^(\.?\/)+/, '') === tocName) {
      throw new SlipwayError(
        'failed-precondition',
        'existing TOC JSON is not allowed; decompress layer before append',
      )
    }
    if (entry.type === 'file') this.#file = { entry, first: undefined, hash: createHash('sha256') }
    if (entry.type !== 'file' || entry.size === 0) {
      const line: TocEntry = { name: plain(entry.name), type: tocType[entry.type], ...factsOf(entry) }
      this.#entries.push(line)
      if (this.#file !== undefined) this.#file.first = line
    }
  }

  #data(bytes: Buffer, offset: number): void {
    const file = this.#file
    if (file === undefined) return
    file.hash.update(bytes)
    for (let at = 0; at < bytes.length; ) {
      const inChunk = (offset + at) % chunkSize
      if (inChunk === 0) this.#startChunk(file, offset + at, bytes.byteOffset + at - this.#base)
      const n = Math.min(bytes.length - at, chunkSize - inChunk)
      this.#chunk?.hash.update(bytes.subarray(at, at + n))
      at += n
    }
  }

  #startChunk(file: OpenFile, offset: number, at: number): void {
    this.#endChunk()
    const { entry } = file
    const line: TocEntry = {
      name: plain(entry.name),
      type: offset === 0 ? 'reg' : 'chunk',
      ...(offset === 0 ? factsOf(entry) : {}),
      chunkOffset: offset,
      ...(entry.size - offset >= chunkSize ? { chunkSize } : {}),
    }
    this.#starts.push({ at, begin: () => void (line.member = this.#cut()) })
    this.#entries.push(line)
    if (offset === 0) file.first = line
    this.#chunk = { entry: line, hash: createHash('sha256') }
  }

  #endChunk(): void {
    if (this.#chunk !== undefined) this.#chunk.entry.chunkDigest = `sha256:${this.#chunk.hash.digest('hex')}`
    this.#chunk = undefined
  }

  #finish(): void {
    this.#endChunk()
    const file = this.#file
    if (file?.first !== undefined) file.first.digest = `sha256:${file.hash.digest('hex')}`
    this.#file = undefined
  }
}

const tocType = {
  file: 'reg',
  hardlink: 'hardlink',
  symlink: 'symlink',
  char: 'char',
  block: 'block',
  directory: 'dir',
  fifo: 'fifo',
} as const

/** What a line says of a member besides its name and data. Empty values are left out, as in Go. */
function factsOf(entry: TarEntry): Pick<TocEntry, 'attributes' | 'special'> {
  const seconds = entry.mtimeNs / 1_000_000_000n
  const device = entry.type === 'char' || entry.type === 'block'
  const xattrs = [...entry.xattrs].sort(([a], [b]) => (a < b ? -1 : 1))
  const values = Object.fromEntries(
    xattrs.map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  )
  return {
    attributes: {
      ...(entry.size === 0 ? {} : { size: entry.size }),
      ...(seconds === 0n
        ? {}
        : { modtime: new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z') }),
      ...(entry.linkname === '' ? {} : { linkName: plain(entry.linkname) }),
      ...(entry.mode === 0 ? {} : { mode: entry.mode }),
      ...(entry.uid === 0 ? {} : { uid: entry.uid }),
      ...(entry.gid === 0 ? {} : { gid: entry.gid }),
    },
    special: {
      ...(device && entry.devmajor !== 0 ? { devMajor: entry.devmajor } : {}),
      ...(device && entry.devminor !== 0 ? { devMinor: entry.devminor } : {}),
      ...(xattrs.length === 0 ? {} : { xattrs: values }),
    },
  }
}

/** Go replaces each byte that is not UTF-8 by U+FFFD when it writes JSON. */
function plain(name: string): string {
  return name.toWellFormed()
}
