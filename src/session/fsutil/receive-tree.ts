import { toBinary } from '@bufbuild/protobuf'
import { rm, writeFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { makeDirectories } from '../../bytes/make-directories.ts'
import { abortable } from '../../async/abort.ts'
import { AsyncQueue } from '../../async/async-queue.ts'
import { forEachBounded } from '../../async/map-bounded.ts'
import { Semaphore } from '../../async/semaphore.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { type Packet, Packet_PacketType as Type, type Stat, StatSchema } from '../../proto/gen/fsutil_pb.ts'
import { directoryTree } from './directory-tree.ts'
import { EntryOrder } from './entry-order.ts'
import { hasContent, kindOf } from './go-mode.ts'
import { packet, packetSize, type SendPacket } from './packets.ts'
import { type Differ, mergeTrees, type TreeChange } from './tree-changes.ts'
import { type OpenedFile, TreeWriter } from './tree-writer.ts'

/** How a tree is received. */
export interface ReceiveOptions {
  /** Absolute path of the directory to write into; made if absent. Nobody else may write there meanwhile. */
  readonly dest: string
  /** `mirror` removes what the sender does not have, `merge` keeps it. */
  readonly mode: 'mirror' | 'merge'
  /** Files that are the same by it are not asked for. Merging always asks. Default `metadata`. */
  readonly differ?: Differ
  /** Changes an entry before it is compared and written. */
  readonly map?: (stat: Stat) => void
  /**
   * Only these entries are written, with the directories above them; of all, what was sent of them goes into the file
   * `metadataFile`.
   */
  readonly wanted?: (path: string) => boolean
  /** Is told the bytes received so far, and at last that there will be no more. */
  readonly onProgress?: (bytes: number, done: boolean) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * Descriptions of all entries of a tree that was not written whole: each the length of a `fsutil.types.Stat` message (4
 * bytes, little endian) and the message. Source: https://github.com/tonistiigi/fsutil/blob/6d9dc2ebad62/receive.go
 */
export const metadataFile = '.fsutil-metadata'

/** Files that are open for writing at once. */
const parallelFiles = 64
/** Bytes that were received and not written yet; more are not read meanwhile. */
const maxUnwritten = 8 * 1024 * 1024

/** A file whose content was asked for. */
interface Filling {
  readonly file: OpenedFile
  readonly done: PromiseWithResolvers<void>
  /** Settles when all that came so far is written. */
  written: Promise<void>
}

/** A file that differs and wants its content. */
interface WantedFile {
  readonly id: number
  readonly stat: Stat
}

/**
 * Receives a tree and writes what differs from the directory. Returns what was changed there, in path order. Throws
 * `unknown` (`error from sender: …`), `invalid-argument` for entries that no walk sends, and what writing throws; the
 * sender is told of failures on this side. After a failure the directory holds a mixture.
 */
export async function receiveTree(
  incoming: AsyncIterable<Packet>,
  send: SendPacket,
  options: ReceiveOptions,
): Promise<readonly TreeChange[]> {
  await makeDirectories(options.dest, 0o700)
  const receiver = new Receiver(send, options)
  const tasks: readonly ((signal: AbortSignal) => Promise<void>)[] = [
    signal => receiver.write(signal),
    signal => receiver.read(incoming, signal),
  ]
  await forEachBounded(tasks, (task, _, signal) => task(signal), {
    limit: tasks.length,
    signal: options.signal,
  })
  return receiver.changes
}

class Receiver {
  readonly changes: TreeChange[] = []
  readonly #send: SendPacket
  readonly #options: ReceiveOptions
  readonly #writer: TreeWriter
  /** Unbounded on purpose: were the reader to wait here, the content that makes room would not be read. */
  readonly #entries = new AsyncQueue<{ readonly stat: Stat; readonly id: number }>()
  readonly #filling = new Map<number, Filling>()
  readonly #ids = new WeakMap<Stat, number>()
  /** Directories that were sent, by path: those in which something changes get their time back. */
  readonly #directories = new Map<string, Stat>()
  /** Files that are being made, by path: a further name of one has to wait until there is something to link to. */
  readonly #making = new Map<string, Promise<unknown>>()
  readonly #unwritten = new Semaphore(maxUnwritten)
  /** What was sent, for `metadataFile`. */
  readonly #described: Buffer[] = []

  constructor(send: SendPacket, options: ReceiveOptions) {
    this.#send = send
    this.#options = options
    this.#writer = new TreeWriter(options.dest)
  }

  /** Takes packets until the sender has confirmed the end. */
  async read(incoming: AsyncIterable<Packet>, signal: AbortSignal): Promise<void> {
    const order = new EntryOrder()
    const packets = incoming[Symbol.asyncIterator]()
    let id = 0
    let bytes = 0
    try {
      for (;;) {
        const next = await abortable(packets.next(), signal)
        if (next.done === true) throw new SlipwayError('unavailable', 'unexpected EOF')
        const { type, stat, ID, data } = next.value
        bytes += packetSize(next.value)
        this.#options.onProgress?.(bytes, false)
        if (type === Type.PACKET_ERR) {
          throw new SlipwayError('unknown', `error from sender: ${new TextDecoder().decode(data)}`)
        }
        if (type === Type.PACKET_FIN) return
        if (type === Type.PACKET_DATA) await this.#fill(ID, data, signal)
        else if (type === Type.PACKET_STAT && stat === undefined) this.#entries.end()
        else if (type === Type.PACKET_STAT && stat !== undefined) {
          order.check(stat)
          this.#entries.push({ stat, id: id++ })
        }
      }
    } catch (error) {
      this.#entries.fail(error)
      for (const { done } of this.#filling.values()) done.reject(error)
      throw error
    } finally {
      this.#options.onProgress?.(bytes, true)
    }
  }

  /** Compares, makes entries and asks for content, then says that nothing more is wanted. */
  async write(signal: AbortSignal): Promise<void> {
    try {
      const fetch = (wanted: WantedFile, _: number, inner: AbortSignal): Promise<void> =>
        this.#fetch(wanted, inner)
      await forEachBounded(this.#apply(signal), fetch, { limit: parallelFiles, signal })
      await this.#writer.finish(this.#touched())
      if (this.#options.wanted !== undefined) await this.#writeMetadata()
      await this.#send(packet.finish())
    } catch (error) {
      await this.#send(packet.error(asSlipwayError(error).message)).catch(() => {})
      throw error
    } finally {
      for (const { file } of this.#filling.values()) await file.abandon().catch(() => {})
    }
  }

  /** Applies the changes, but for files with content: those it yields. */
  async *#apply(signal: AbortSignal): AsyncGenerator<WantedFile> {
    const { dest, mode } = this.#options
    const present = mode === 'merge' ? none() : (await directoryTree(dest)).walk(signal)
    const differ = mode === 'merge' ? 'none' : (this.#options.differ ?? 'metadata')
    for await (const change of mergeTrees(present, this.#sent(), differ)) {
      this.changes.push(change)
      if (change.kind === 'delete') await this.#writer.remove(change.path)
      else if (hasContent(change.stat.mode) && change.stat.linkname === '') {
        yield { id: this.#ids.get(change.stat) as number, stat: change.stat }
      } else {
        await this.#making.get(change.stat.linkname)
        await this.#writer.make(change.stat)
      }
    }
  }

  async *#sent(): AsyncGenerator<Stat> {
    let above: Stat[] = []
    for await (const { stat, id } of this.#entries) {
      const { wanted } = this.#options
      if (wanted !== undefined) {
        if (stat.path === metadataFile) continue
        this.#describe(stat)
        const parent = posix.dirname(stat.path)
        while (above.length > 0 && above.at(-1)?.path !== parent) above.pop()
        if (!wanted(stat.path)) {
          if (kindOf(stat.mode) === 'directory') above.push(stat)
          continue
        }
        for (const directory of above) yield this.#wantedEntry(directory)
        above = []
      }
      this.#ids.set(stat, id)
      yield this.#wantedEntry(stat)
    }
  }

  #wantedEntry(stat: Stat): Stat {
    this.#options.map?.(stat)
    if (kindOf(stat.mode) === 'directory') this.#directories.set(stat.path, stat)
    return stat
  }

  #describe(stat: Stat): void {
    const bytes = toBinary(StatSchema, stat)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length)
    this.#described.push(length, Buffer.from(bytes))
  }

  async #writeMetadata(): Promise<void> {
    const path = posix.join(this.#options.dest, metadataFile)
    await rm(path, { force: true, recursive: true })
    await writeFile(path, Buffer.concat(this.#described), { mode: 0o600, flag: 'wx' })
  }

  #touched(): readonly Stat[] {
    const paths = new Set(this.changes.map(change => posix.dirname(change.path)))
    return [...paths].flatMap(path => this.#directories.get(path) ?? [])
  }

  async #fetch({ id, stat }: WantedFile, signal: AbortSignal): Promise<void> {
    const making = this.#writer.open(stat)
    this.#making.set(stat.path, making)
    const file = await making
    this.#making.delete(stat.path)
    const filling = { file, done: Promise.withResolvers<void>(), written: Promise.resolve() }
    this.#filling.set(id, filling)
    await this.#send(packet.request(id))
    await abortable(filling.done.promise, signal)
    this.#filling.delete(id)
  }

  /** Queues a chunk for its file; waits only while too much is unwritten, so that small files are finished side by side. */
  async #fill(id: number, data: Uint8Array, signal: AbortSignal): Promise<void> {
    const filling = this.#filling.get(id)
    if (filling === undefined) throw new SlipwayError('invalid-argument', `invalid file request ${id}`)
    const permit = await this.#unwritten.acquire(signal, data.length)
    filling.written = filling.written
      .then(() => (data.length > 0 ? filling.file.write(data) : filling.file.finish()))
      .finally(() => permit[Symbol.dispose]())
    filling.written.then(data.length > 0 ? undefined : filling.done.resolve, filling.done.reject)
  }
}

async function* none(): AsyncGenerator<Stat> {}
