import { fromBinary, toBinary } from '@bufbuild/protobuf'
import type { Database } from '../../content/database.ts'
import { type BuildHistoryRecord, BuildHistoryRecordSchema } from '../../proto/gen/control_pb.ts'
import { bootId, isAlive, type ProcessIdentity, processIdentity } from '../../sys/process-identity.ts'

/** Builds that run, of all processes that share a state directory. */
export interface RunningBuilds {
  /** A build of this process begins. */
  begin(record: BuildHistoryRecord): void
  end(ref: string): void
  /** Those of processes that live, this one among them; what dead ones left is forgotten on the way. */
  list(): readonly BuildHistoryRecord[]
}

const statements = [
  `CREATE TABLE running_builds (
    ref TEXT PRIMARY KEY, pid INTEGER NOT NULL, start_time INTEGER NOT NULL, boot_id TEXT NOT NULL, record BLOB NOT NULL
  ) WITHOUT ROWID`,
]

/** Running builds in the database of the state directory. */
export function openRunningBuilds(database: Database): RunningBuilds {
  database.migrate('running-builds', statements)
  const owner: ProcessIdentity = processIdentity() ?? { pid: process.pid, startTime: 0, bootId: bootId() }
  const end = (ref: string): void =>
    void database.prepare('DELETE FROM running_builds WHERE ref = ?').run(ref)
  return {
    begin(record) {
      const bytes = toBinary(BuildHistoryRecordSchema, record)
      database
        .prepare('INSERT OR REPLACE INTO running_builds VALUES (?, ?, ?, ?, ?)')
        .run(record.Ref, owner.pid, owner.startTime, owner.bootId, bytes)
    },
    end,
    list() {
      const found: BuildHistoryRecord[] = []
      for (const row of database.prepare('SELECT * FROM running_builds ORDER BY ref').all()) {
        const { ref, pid, start_time: startTime, boot_id: boot } = row
        if (isAlive({ pid: Number(pid), startTime: Number(startTime), bootId: String(boot) }))
          found.push(fromBinary(BuildHistoryRecordSchema, row['record'] as Uint8Array))
        else end(String(ref))
      }
      return found
    },
  }
}
