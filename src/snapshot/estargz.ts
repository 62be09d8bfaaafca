import { createHash } from 'node:crypto'
import { gzipLevel, type ByteSink } from '../compression/compress-layer.ts'
import { defaultGzipLevel } from '../compression/gzip-format.ts'
import { gzipHeader, gzipMember } from '../compression/gzip-member.ts'
import { throwIfAborted } from '../async/abort.ts'
import { type Digest, digestOf, parseDigest } from '../oci/digest.ts'
import { encodeHeader, endOfArchive, padding } from '../tar/encode-header.ts'
import { plainEntry } from '../tar/plain-entry.ts'
import { type Member, TocBuilder, tocName } from './estargz-toc.ts'

/** What a blob of this kind is, besides its bytes. */
export interface EstargzResult {
  readonly diffId: Digest
  /** To be put on the descriptor in the manifest, where lazy snapshotters look for them. */
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * Packs a layer archive as eStargz: gzip members that begin where a file's data begins, then a table of contents and a
 * footer that tells where it is, so that single files can be fetched. The whole is still a gzip stream; its archive
 * (diffID) has the table of contents behind the original's end. Throws `invalid-argument`.
 * Source: https://github.com/containerd/stargz-snapshotter/blob/v0.18.1/docs/estargz.md
 */
export async function compressEstargz(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  compression: { readonly level?: number },
  sink: ByteSink,
  options: { readonly parallel: number; readonly signal?: AbortSignal | undefined },
): Promise<EstargzResult> {
  const level = gzipLevel(compression.level) ?? defaultGzipLevel
  const writer = new MemberWriter(level, sink, options.parallel)
  const diffHash = createHash('sha256')
  const toc = new TocBuilder(() => writer.cut())
  let size = 0
  try {
    for await (const chunk of source) {
      throwIfAborted(options.signal)
      diffHash.update(chunk)
      size += chunk.length
      for (const piece of toc.split(chunk)) await writer.append(piece)
    }
    toc.end()
    await writer.finish()
    const json = toc.json()
    const table = tocArchive(json)
    diffHash.update(table)
    size += table.length
    const offset = writer.offset
    await sink.write(await gzipMember(table, level))
    await sink.write(footer(offset))
    return {
      diffId: parseDigest(`sha256:${diffHash.digest('hex')}`),
      annotations: {
        'containerd.io/snapshot/stargz/toc.digest': digestOf(json),
        'io.containers.estargz.uncompressed-size': String(size),
      },
    }
  } finally {
    await writer.settle()
  }
}

/** Collects bytes into members and compresses several at once, in order. */
class MemberWriter {
  readonly #level: number
  readonly #sink: ByteSink
  readonly #parallel: number
  readonly #running: { readonly member: Member; readonly bytes: Promise<Buffer> }[] = []
  #member: Member = { offset: 0 }
  #parts: Buffer[] = []
  /** Bytes of the blob so far. */
  offset = 0

  constructor(level: number, sink: ByteSink, parallel: number) {
    this.#level = level
    this.#sink = sink
    this.#parallel = parallel
  }

  /** Ends the current member; the next bytes begin the one that is answered. */
  cut(): Member {
    if (this.#parts.length > 0) {
      const bytes = gzipMember(Buffer.concat(this.#parts), this.#level)
      bytes.catch(() => {})
      this.#running.push({ member: this.#member, bytes })
      this.#parts = []
      this.#member = { offset: 0 }
    }
    return this.#member
  }

  async append(piece: Uint8Array): Promise<void> {
    this.#parts.push(Buffer.from(piece))
    while (this.#running.length > this.#parallel) await this.#write()
  }

  async finish(): Promise<void> {
    this.cut()
    while (this.#running.length > 0) await this.#write()
  }

  /** Waits until nothing runs any more, however it ends. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#running.map(({ bytes }) => bytes))
  }

  async #write(): Promise<void> {
    const next = this.#running.shift()
    if (next === undefined) return
    const bytes = await next.bytes
    next.member.offset = this.offset
    this.offset += bytes.length
    await this.#sink.write(bytes)
  }
}

function tocArchive(json: string): Buffer {
  const bytes = Buffer.from(json)
  const header = encodeHeader(plainEntry('file', tocName, 0, bytes.length))
  return Buffer.concat([header, bytes, padding(bytes.length), endOfArchive])
}

/** An empty member of 51 bytes whose extra field tells where the table of contents begins. */
function footer(offset: number): Buffer {
  const field = Buffer.from(`${offset.toString(16).padStart(16, '0')}STARGZ`)
  const header = Buffer.from(gzipHeader(0))
  header[3] = 4
  const extra = Buffer.alloc(6)
  extra.writeUInt16LE(field.length + 4, 0)
  extra.write('SG', 2)
  extra.writeUInt16LE(field.length, 4)
  return Buffer.concat([header, extra, field, Uint8Array.of(1, 0, 0, 0xff, 0xff), Buffer.alloc(8)])
}
