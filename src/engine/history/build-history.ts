import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { ContentStore } from '../../content/content-store.ts'
import type { Lease } from '../../content/lease.ts'
import type { BlobRoot } from '../../content/reachable.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { isDigest } from '../../oci/digest.ts'
import {
  type BuildHistoryEvent,
  BuildHistoryEventSchema,
  BuildHistoryEventType,
  type BuildHistoryRecord,
  BuildHistoryRecordSchema,
  type BuildHistoryRequest,
  type StatusResponse,
  type UpdateBuildHistoryRequest,
} from '../../proto/gen/control_pb.ts'
import { EventFeed } from './event-feed.ts'
import { parseHistoryFilter } from './history-filter.ts'
import { recordBlobs, type RecordStore } from './record-store.ts'
import type { RunningBuilds } from './running-builds.ts'
import { decodeStatusLog } from './status-log.ts'

type RecordInit = MessageInitShape<typeof BuildHistoryRecordSchema>

/** What a history is made of. */
export interface HistoryOptions {
  readonly records: RecordStore
  /** Builds that run, in this process or another. */
  readonly running: RunningBuilds
  readonly content: ContentStore
  /** Holds blobs until their record is written. */
  readonly lease: Lease
  /** Records go that are older than `ageMs` and not among the newest `entries`; pinned ones stay. */
  readonly keep: { readonly entries: number; readonly ageMs: number }
  readonly now: () => number
}

/** So many refs of deleted records are remembered. */
const mostGone = 1000

/** Retention where nothing else is configured. */
export const defaultRetention = { entries: 50, ageMs: 48 * 3_600_000 } as const

/**
 * Builds that run and records of those that have ended. Behaviour:
 * https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/history/buildhistory.go
 */
export class BuildHistory {
  readonly #options: HistoryOptions
  readonly #active = new Map<string, BuildHistoryRecord>()
  readonly #feed = new EventFeed<BuildHistoryEvent>()
  /** Listeners by the ref that they ask for: its record stays until they have gone. */
  readonly #listeners = new Map<string, number>()
  readonly #deleted = new Set<string>()
  /** Refs of records that were here, the last ones: who deletes one twice is not told so. */
  readonly #gone = new Set<string>()

  constructor(options: HistoryOptions) {
    this.#options = options
  }

  /** A build begins. */
  begin(init: RecordInit): void {
    const record = create(BuildHistoryRecordSchema, init)
    this.#active.set(record.Ref, record)
    this.#options.running.begin(record)
    this.#send(BuildHistoryEventType.STARTED, record)
  }

  /** A build has ended, well or not. */
  complete(init: RecordInit): void {
    const record = create(BuildHistoryRecordSchema, init)
    this.#end(record.Ref)
    this.#options.records.put(record)
    this.#send(BuildHistoryEventType.COMPLETE, record)
    this.#expire()
  }

  /** Takes a record of a build that ran elsewhere; what it points to is in the store. */
  adopt(record: BuildHistoryRecord): void {
    this.#deleted.delete(record.Ref)
    this.#options.records.put(record)
    this.#send(BuildHistoryEventType.COMPLETE, record)
  }

  /** A build has ended of which no record could be made. */
  abandon(ref: string): void {
    this.#end(ref)
  }

  /** Keeps bytes that a record is going to point to. */
  async keepBlob(
    bytes: Uint8Array,
    mediaType: string,
  ): Promise<{ digest: string; size: bigint; mediaType: string }> {
    const { digest, size } = await this.#options.content.put(bytes)
    this.#options.lease.hold('blob', digest)
    return { digest, size: BigInt(size), mediaType }
  }

  /** Builds that run, then records, then, unless the request ends early, events as they come. */
  async *listen(request: BuildHistoryRequest, signal: AbortSignal): AsyncIterable<BuildHistoryEvent> {
    const { Ref } = request
    if (Ref !== '' && this.#deleted.has(Ref)) throw new SlipwayError('not-found', `ref ${Ref} is deleted`)
    using events = this.#feed.subscribe()
    using _listening = this.#listening(Ref)
    yield* this.#running(Ref)
    if (!request.ActiveOnly) yield* this.#records(request)
    if (request.EarlyExit) return
    for await (const event of events.read(signal)) if (Ref === '' || event.record?.Ref === Ref) yield event
  }

  /** Pins, deletes or finalizes a record. Throws `not-found` for one that is to be pinned. */
  update(request: UpdateBuildHistoryRequest): void {
    const { Ref, Delete, Finalize, Pinned } = request
    // Records are written whole when the build ends: there is nothing to wait for.
    if (Finalize) return
    const record = this.#options.records.get(Ref)
    if (record === undefined || this.#deleted.has(Ref)) {
      // What was to be gone is gone.
      if (Delete && this.#gone.has(Ref)) return
      if (Delete) throw new SlipwayError('unknown', `lease ${JSON.stringify(`ref_${Ref}`)}: not found`)
      throw new SlipwayError('unknown', `failed to retrieve ref ${Ref}: file does not exist`)
    }
    if (Delete) this.#delete(Ref)
    else if (record.pinned !== Pinned) {
      const updated = { ...record, pinned: Pinned, Generation: record.Generation + 1 }
      this.#options.records.put(updated)
      this.#send(BuildHistoryEventType.COMPLETE, updated)
    }
  }

  /** The status of a build that has ended, as it was; undefined where there is no record. */
  status(ref: string): AsyncIterable<StatusResponse> | undefined {
    const record = this.#options.records.get(ref)
    if (record === undefined || this.#deleted.has(ref)) return undefined
    const digest = record.logs?.digest ?? ''
    return isDigest(digest) ? decodeStatusLog(this.#options.content.read(digest)) : noStatus()
  }

  /** Blobs that records need. */
  roots(): readonly BlobRoot[] {
    return this.#options.records.list().flatMap(recordBlobs)
  }

  #end(ref: string): void {
    this.#active.delete(ref)
    this.#options.running.end(ref)
  }

  *#running(ref: string): Iterable<BuildHistoryEvent> {
    const others = this.#options.running.list().filter(one => !this.#active.has(one.Ref))
    for (const record of [...this.#active.values(), ...others]) {
      if (ref === '' || record.Ref === ref) yield event(BuildHistoryEventType.STARTED, record)
    }
  }

  *#records({ Ref, Filter, Limit }: BuildHistoryRequest): Iterable<BuildHistoryEvent> {
    if (Limit < 0) throw new SlipwayError('invalid-argument', `invalid limit ${Limit}`)
    const matches = parseHistoryFilter(Filter, this.#options.now())
    const all = this.#options.records.list()
    const found = all.filter(
      one => (Ref === '' || one.Ref === Ref) && !this.#deleted.has(one.Ref) && matches(one),
    )
    const shown = Limit === 0 ? found : found.toSorted(newestFirst).slice(0, Limit)
    for (const record of shown) yield event(BuildHistoryEventType.COMPLETE, record)
  }

  #listening(ref: string): Disposable {
    if (ref !== '') this.#listeners.set(ref, (this.#listeners.get(ref) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        const left = (this.#listeners.get(ref) ?? 0) - 1
        if (left > 0) this.#listeners.set(ref, left)
        else this.#listeners.delete(ref)
        if (left === 0 && this.#deleted.has(ref)) this.#delete(ref)
      },
    }
  }

  #delete(ref: string): void {
    this.#gone.add(ref)
    for (const oldest of this.#gone) {
      if (this.#gone.size <= mostGone) break
      this.#gone.delete(oldest)
    }
    if (this.#listeners.has(ref)) {
      this.#deleted.add(ref)
      return
    }
    this.#deleted.delete(ref)
    if (!this.#options.records.remove(ref)) return
    this.#send(BuildHistoryEventType.DELETED, create(BuildHistoryRecordSchema, { Ref: ref }))
  }

  #expire(): void {
    const { records, keep, now } = this.#options
    for (const ref of records.expired(keep.entries, now() - keep.ageMs)) this.#delete(ref)
  }

  #send(type: BuildHistoryEventType, record: BuildHistoryRecord): void {
    this.#feed.send(event(type, record))
  }
}

const event = (type: BuildHistoryEventType, record: BuildHistoryRecord): BuildHistoryEvent =>
  create(BuildHistoryEventSchema, { type, record })

async function* noStatus(): AsyncIterable<StatusResponse> {
  // A build without a log said nothing.
}

function newestFirst({ CreatedAt: a }: BuildHistoryRecord, { CreatedAt: b }: BuildHistoryRecord): number {
  return Number((b?.seconds ?? 0n) - (a?.seconds ?? 0n)) || (b?.nanos ?? 0) - (a?.nanos ?? 0)
}
