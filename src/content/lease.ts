import { bootId, isAlive, type ProcessIdentity, processIdentity } from '../sys/process-identity.ts'
import type { Database } from './database.ts'

/** What can be kept from being collected: a layer by its id, a blob by its digest. */
export type LeaseKind = 'layer' | 'blob'

/**
 * Keeps what is in use from being collected, by this process or any other. It ends with its disposal; leases of processes that
 * are gone, however they ended, count for nothing.
 */
export interface Lease extends Disposable {
  hold(kind: LeaseKind, key: string): void
}

const statements = [
  `CREATE TABLE leases (
    id INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER NOT NULL, start_time INTEGER NOT NULL, boot_id TEXT NOT NULL
  )`,
  `CREATE TABLE leased (
    lease INTEGER NOT NULL REFERENCES leases (id) ON DELETE CASCADE, kind TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (lease, kind, key)
  ) WITHOUT ROWID`,
]

/** Leases of a state directory. */
export interface Leases {
  /** Opens a lease for one piece of work (a build, a push). */
  open(): Lease
  /** Everything that live processes hold. Leases of dead ones are forgotten on the way. */
  held(): { readonly layers: ReadonlySet<string>; readonly blobs: ReadonlySet<string> }
}

/** Leases in the tables of `database`, for this process. */
export function openLeases(database: Database): Leases {
  database.migrate('leases', statements)
  const owner: ProcessIdentity = processIdentity() ?? { pid: process.pid, startTime: 0, bootId: bootId() }
  return {
    open: () => openLease(database, owner),
    held: () => {
      forgetDead(database)
      const layers = new Set<string>()
      const blobs = new Set<string>()
      for (const row of database.prepare('SELECT DISTINCT kind, key FROM leased').all()) {
        ;(row['kind'] === 'layer' ? layers : blobs).add(String(row['key']))
      }
      return { layers, blobs }
    },
  }
}

function openLease(database: Database, owner: ProcessIdentity): Lease {
  const insert = database.prepare('INSERT INTO leases (pid, start_time, boot_id) VALUES (?, ?, ?)')
  const id = insert.run(owner.pid, owner.startTime, owner.bootId).lastInsertRowid
  const known = new Set<string>()
  let open = true
  return {
    hold: (kind, key) => {
      if (!open || known.has(`${kind} ${key}`)) return
      database.prepare('INSERT OR IGNORE INTO leased VALUES (?, ?, ?)').run(id, kind, key)
      known.add(`${kind} ${key}`)
    },
    [Symbol.dispose]: () => {
      if (open) database.prepare('DELETE FROM leases WHERE id = ?').run(id)
      open = false
    },
  }
}

function forgetDead(database: Database): void {
  for (const row of database.prepare('SELECT id, pid, start_time, boot_id FROM leases').all()) {
    const owner = {
      pid: Number(row['pid']),
      startTime: Number(row['start_time']),
      bootId: String(row['boot_id']),
    }
    if (!isAlive(owner)) database.prepare('DELETE FROM leases WHERE id = ?').run(Number(row['id']))
  }
}
