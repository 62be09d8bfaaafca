import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { Database } from '../../content/database.ts'
import type { BlobRoot } from '../../content/reachable.ts'
import { isDigest } from '../../oci/digest.ts'
import {
  type BuildHistoryRecord,
  BuildHistoryRecordSchema,
  type Descriptor,
} from '../../proto/gen/control_pb.ts'

const statements = [
  `CREATE TABLE history (
    ref TEXT PRIMARY KEY, completed_ms INTEGER NOT NULL, pinned INTEGER NOT NULL, record BLOB NOT NULL
  ) WITHOUT ROWID`,
  // What has expired is asked for after each build, and rows are large.
  'CREATE INDEX history_ended ON history (pinned, completed_ms)',
]

/** Records of builds that have ended. */
export interface RecordStore {
  get(ref: string): BuildHistoryRecord | undefined
  /** In no particular order. */
  list(): readonly BuildHistoryRecord[]
  put(record: MessageInitShape<typeof BuildHistoryRecordSchema>): void
  /** False where there was none. */
  remove(ref: string): boolean
  /** Refs of records that are to go: not pinned, not among the newest `keep`, ended before `beforeMs`. */
  expired(keep: number, beforeMs: number): readonly string[]
}

/** Records in the database of the state directory. */
export function openRecordStore(database: Database): RecordStore {
  database.migrate('history', statements)
  const parse = (row: unknown): BuildHistoryRecord =>
    fromBinary(BuildHistoryRecordSchema, (row as { record: Uint8Array }).record)
  return {
    get(ref) {
      const row = database.prepare('SELECT record FROM history WHERE ref = ?').get(ref)
      return row === undefined ? undefined : parse(row)
    },
    list: () => database.prepare('SELECT record FROM history ORDER BY ref').all().map(parse),
    put(init) {
      const record = create(BuildHistoryRecordSchema, init)
      const at = record.CompletedAt
      const ms = at === undefined ? 0 : Number(at.seconds) * 1000 + Math.floor(at.nanos / 1e6)
      database
        .prepare(
          `INSERT INTO history VALUES (?, ?, ?, ?) ON CONFLICT (ref) DO UPDATE
          SET completed_ms = excluded.completed_ms, pinned = excluded.pinned, record = excluded.record`,
        )
        .run(record.Ref, ms, record.pinned ? 1 : 0, toBinary(BuildHistoryRecordSchema, record))
    },
    remove: ref => database.prepare('DELETE FROM history WHERE ref = ?').run(ref).changes > 0,
    expired(keep, beforeMs) {
      const newest =
        'SELECT ref, completed_ms FROM history WHERE pinned = 0 ORDER BY completed_ms DESC LIMIT -1 OFFSET ?'
      const rows = database.prepare(`SELECT ref FROM (${newest}) WHERE completed_ms < ?`).all(keep, beforeMs)
      return rows.map(row => String(row['ref']))
    },
  }
}

/** Blobs that a record points to. */
export function recordBlobs(record: BuildHistoryRecord): readonly BlobRoot[] {
  const infos = [record.Result, ...Object.values(record.Results)].filter(info => info !== undefined)
  const all: (Descriptor | undefined)[] = [
    record.logs,
    record.trace,
    record.externalError,
    ...infos.flatMap(info => [info.ResultDeprecated, ...info.Attestations, ...Object.values(info.Results)]),
  ]
  return all.flatMap(one =>
    one !== undefined && isDigest(one.digest) ? [{ digest: one.digest, mediaType: one.mediaType }] : [],
  )
}
