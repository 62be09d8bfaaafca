import type { Database } from '../content/database.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, isDigest, parseDigest } from '../oci/digest.ts'
import { isAlive, type ProcessIdentity } from '../sys/process-identity.ts'
import type { Layer, LayerBlob, LayerId, LayerStack } from './snapshotter.ts'

const statements = [
  `CREATE TABLE layers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    committed INTEGER NOT NULL DEFAULT 0,
    parents TEXT NOT NULL,
    chain_id TEXT,
    diff_id TEXT,
    size INTEGER,
    description TEXT NOT NULL,
    pid INTEGER NOT NULL, start_time INTEGER NOT NULL, boot_id TEXT NOT NULL,
    synced INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    touched_at INTEGER NOT NULL
  )`,
  'CREATE UNIQUE INDEX layers_chain_id ON layers (chain_id) WHERE chain_id IS NOT NULL',
  `CREATE TABLE layer_blobs (
    layer INTEGER NOT NULL REFERENCES layers (id) ON DELETE CASCADE,
    digest TEXT NOT NULL, diff_id TEXT NOT NULL, descriptor TEXT NOT NULL,
    PRIMARY KEY (layer, digest)
  ) WITHOUT ROWID`,
  'CREATE INDEX layer_blobs_digest ON layer_blobs (digest)',
]

/** A layer's record with what only the snapshotter and the collector need. Times in milliseconds since 1970. */
export interface LayerRecord extends Layer {
  readonly parents: LayerStack
  readonly touchedAt: number
}

/** Records of layers in the state directory's database. */
export interface LayerRecords {
  /** Makes the record of a layer that `owner` is about to write. */
  begin(parents: LayerStack, description: string, owner: ProcessIdentity): LayerId
  /** Seals it. Where another process has the chain ID by now, that layer is answered and this one is not sealed. */
  commit(id: LayerId, facts: { chainId?: Digest; diffId?: Digest; size?: number }): LayerRecord
  get(id: LayerId): LayerRecord
  has(id: LayerId): boolean
  findByChainId(chainId: Digest): LayerRecord | undefined
  /** Notes that the layer was asked for, so that it is not collected the next moment. */
  touch(id: LayerId): void
  setSize(id: LayerId, size: number): void
  addBlob(id: LayerId, blob: LayerBlob): void
  blobs(id: LayerId): LayerBlob[]
  /** Forgets that `digest` holds any layer: the blob is gone. */
  forgetBlob(digest: Digest): void
  remove(id: LayerId): void
  list(): LayerRecord[]
  /** Layers that nobody writes any more and nobody has sealed: their processes are gone. */
  abandoned(): LayerId[]
}

const touchEveryMs = 60_000

/** The records in the tables of `database`. `now` gives milliseconds since 1970. */
export function openLayerRecords(database: Database, now: () => number): LayerRecords {
  database.migrate('snapshot', statements)
  const sql = (text: string) => database.prepare(text)
  const one = (where: string, value: string | number): LayerRecord | undefined => {
    const row = sql(`SELECT * FROM layers WHERE committed = 1 AND ${where} = ?`).get(value)
    return row === undefined ? undefined : fromRow(row)
  }
  const get = (id: LayerId): LayerRecord => {
    const record = one('id', Number(id))
    if (record === undefined) throw new SlipwayError('not-found', `layer ${id}: not found`)
    return record
  }
  return {
    begin: (parents, description, owner) => {
      const insert = sql(
        `INSERT INTO layers (parents, pid, start_time, boot_id, description, created_at, touched_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)`,
      )
      const result = insert.run(
        JSON.stringify(parents),
        owner.pid,
        owner.startTime,
        owner.bootId,
        description,
        now(),
      )
      return String(result.lastInsertRowid)
    },
    commit: (id, { chainId, diffId, size }) =>
      database.transaction(() => {
        const there = chainId === undefined ? undefined : one('chain_id', chainId)
        if (there !== undefined) return there
        sql(
          'UPDATE layers SET committed = 1, chain_id = ?, diff_id = ?, size = ?, created_at = ?5, touched_at = ?5 WHERE id = ?4',
        ).run(chainId ?? null, diffId ?? null, size ?? null, Number(id), now())
        return get(id)
      }),
    get,
    has: id => one('id', Number(id)) !== undefined,
    findByChainId: chainId => one('chain_id', chainId),
    touch: id => {
      sql('UPDATE layers SET touched_at = ? WHERE id = ? AND touched_at < ?').run(
        now(),
        Number(id),
        now() - touchEveryMs,
      )
    },
    setSize: (id, size) => void sql('UPDATE layers SET size = ? WHERE id = ?').run(size, Number(id)),
    addBlob: (id, { descriptor, diffId }) =>
      database.transaction(() => {
        sql('INSERT OR REPLACE INTO layer_blobs VALUES (?, ?, ?, ?)').run(
          Number(id),
          descriptor.digest,
          diffId,
          JSON.stringify(descriptor),
        )
        sql('UPDATE layers SET diff_id = coalesce(diff_id, ?) WHERE id = ?').run(diffId, Number(id))
      }),
    blobs: id =>
      sql('SELECT diff_id, descriptor FROM layer_blobs WHERE layer = ? ORDER BY digest')
        .all(Number(id))
        .map(row => ({
          descriptor: JSON.parse(String(row['descriptor'])) as Descriptor,
          diffId: parseDigest(row['diff_id']),
        })),
    forgetBlob: digest => void sql('DELETE FROM layer_blobs WHERE digest = ?').run(digest),
    remove: id => void sql('DELETE FROM layers WHERE id = ?').run(Number(id)),
    list: () => sql('SELECT * FROM layers WHERE committed = 1 ORDER BY id').all().map(fromRow),
    abandoned: () => {
      const rows = sql('SELECT id, pid, start_time, boot_id FROM layers WHERE committed = 0').all()
      const alive = (row: Row): boolean =>
        isAlive({
          pid: Number(row['pid']),
          startTime: Number(row['start_time']),
          bootId: String(row['boot_id']),
        })
      return rows.filter(row => !alive(row)).map(row => String(row['id']))
    },
  }
}

type Row = Readonly<Record<string, unknown>>

function fromRow(row: Row): LayerRecord {
  const chainId = row['chain_id']
  const diffId = row['diff_id']
  return {
    id: String(row['id']),
    parents: JSON.parse(String(row['parents'])) as string[],
    touchedAt: Number(row['touched_at']),
    createdMs: Number(row['created_at']),
    description: String(row['description']),
    ...(isDigest(chainId) ? { chainId } : {}),
    ...(isDigest(diffId) ? { diffId } : {}),
    ...(row['size'] === null ? {} : { size: Number(row['size']) }),
  }
}
