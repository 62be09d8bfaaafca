import type { ByteStream } from '../bytes/byte-stream.ts'
import type { TarEntry } from './entry.ts'
import { TarReader } from './reader.ts'

/** A member with its content; content that is not read is skipped. Holes of sparse files are not filled in. */
export interface TarMember {
  readonly entry: TarEntry
  readonly content: AsyncIterable<{ readonly bytes: Uint8Array; readonly offset: number }>
}

/** How an archive is read. */
export interface ReadTarOptions {
  /** Leaves unread what comes behind the archive's end, with the faults that it may have. */
  readonly stopsAtEnd?: boolean
  /** Told of each global header. */
  readonly onGlobal?: () => void
}

type Event =
  | { readonly kind: 'entry'; readonly entry: TarEntry }
  | { readonly kind: 'data'; readonly bytes: Buffer; readonly offset: number }
  | { readonly kind: 'finish' }

/**
 * The members of an archive one after the other, for readers that await; bulk work uses `TarReader` directly. The
 * content of a member is to be read before the next member is asked for. Throws `data-loss`, and `unimplemented` for
 * members that are no files.
 */
export async function* readTar(
  source: ByteStream,
  options: ReadTarOptions = {},
): AsyncGenerator<TarMember, void, undefined> {
  const events = tarEvents(source, options)
  try {
    for (;;) {
      const next = await events.next()
      if (next.done) return
      if (next.value.kind !== 'entry') continue
      yield { entry: next.value.entry, content: contentOf(events) }
    }
  } finally {
    await events.return()
  }
}

async function* contentOf(events: AsyncGenerator<Event, void, undefined>): TarMember['content'] {
  for (;;) {
    const next = await events.next()
    if (next.done || next.value.kind !== 'data') return
    yield { bytes: next.value.bytes, offset: next.value.offset }
  }
}

async function* tarEvents(
  source: ByteStream,
  options: ReadTarOptions,
): AsyncGenerator<Event, void, undefined> {
  let events: Event[] = []
  const reader = new TarReader({
    entry: entry => void events.push({ kind: 'entry', entry }),
    data: (bytes, offset) => void events.push({ kind: 'data', bytes, offset }),
    finish: () => void events.push({ kind: 'finish' }),
    global: () => options.onGlobal?.(),
  })
  for await (const chunk of source) {
    let failure: { readonly error: unknown } | undefined
    try {
      reader.write(chunk)
    } catch (error) {
      failure = { error }
    }
    const ready = events
    events = []
    // What came before the fault is handed out first.
    yield* ready
    if (failure !== undefined) throw failure.error
    if (reader.ended && options.stopsAtEnd) return
  }
  reader.end()
}
