import type { Database } from '../content/database.ts'
import type { UsageRecordType } from '../content/usage-record.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, isDigest, parseDigest } from '../oci/digest.ts'
import { isAlive, type ProcessIdentity } from '../sys/process-identity.ts'
import type { Layer, LayerBlob, LayerId, LayerStack, PrepareOptions } from './snapshotter.ts'

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
  "ALTER TABLE layers ADD COLUMN record_type TEXT NOT NULL DEFAULT 'regular'",
  'ALTER TABLE layers ADD COLUMN usage_count INTEGER NOT NULL DEFAULT 0',
  'ALTER TABLE layers ADD COLUMN content_bytes INTEGER',
  `CREATE TABLE layer_packs (
    layer INTEGER NOT NULL REFERENCES layers (id) ON DELETE CASCADE,
    variant TEXT NOT NULL, digest TEXT NOT NULL, diff_id TEXT NOT NULL, descriptor TEXT NOT NULL,
    PRIMARY KEY (layer, variant)
  ) WITHOUT ROWID`,
]

/** A layer's record with what only the snapshotter and the collector need. Times in milliseconds since 1970. */
export interface LayerRecord extends Layer {
  readonly parents: LayerStack
  readonly touchedAt: number
  /** Sum of the lengths of its files, to tell a damaged layer from a whole one; undefined until counted. */
  readonly contentBytes?: number
  readonly recordType: UsageRecordType
  /** How often it was asked for, once a minute at most. */
  readonly usageCount: number
}

/** Records of layers in the state directory's database. */
export interface LayerRecords {
  /** Makes the record of a layer that `owner` is about to write. */
  begin(parents: LayerStack, options: PrepareOptions, owner: ProcessIdentity): LayerId
  /** Seals it. Where another process has the chain ID by now, that layer is answered and this one is not sealed. */
  commit(
    id: LayerId,
    facts: { chainId?: Digest; diffId?: Digest; size?: number; contentBytes?: number },
  ): LayerRecord
  get(id: LayerId): LayerRecord
  /** Whether there is such a sealed layer. */
  has(id: LayerId): boolean
  /** Whether there is a record, sealed or not. */
  exists(id: LayerId): boolean
  findByChainId(chainId: Digest): LayerRecord | undefined
  /** Notes that the layer was asked for, so that it is not collected the next moment. */
  touch(id: LayerId): void
  setSize(id: LayerId, size: number): void
  setContentBytes(id: LayerId, bytes: number): void
  addBlob(id: LayerId, blob: LayerBlob): void
  blobs(id: LayerId): LayerBlob[]
  /** The blob that the layer was packed into in a certain way. */
  packed(id: LayerId, variant: string): LayerBlob | undefined
  /** The blobs that the layer was packed into, in an order of their own. */
  allPacked(id: LayerId): LayerBlob[]
  addPacked(id: LayerId, variant: string, blob: LayerBlob): void
  /** Digests of every blob that some layer has. */
  allBlobs(): Set<string>
  /** Forgets that `digest` holds any layer: the blob is gone. */
  forgetBlob(digest: Digest): void
  remove(id: LayerId): void
  /** Forgets the layer unless somebody holds it, something was made on it, or it was asked for after `untilMs`. True where it is forgotten. */
  removeUnused(id: LayerId, untilMs: number): boolean
  /** Layers of which it is not known that their files reached the disk, and whose machine was restarted since. */
  sealedInOtherBoots(bootId: string): LayerId[]
  /** Layers of this boot, sealed before `untilMs`, of which it is not known that their files reached the disk. */
  unsynced(bootId: string, untilMs: number): LayerId[]
  setSynced(ids: readonly LayerId[]): void
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
    begin: (parents, { description = '', recordType = 'regular' }, owner) => {
      const insert = sql(
        `INSERT INTO layers (parents, pid, start_time, boot_id, description, record_type, created_at, touched_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)`,
      )
      const result = insert.run(
        JSON.stringify(parents),
        owner.pid,
        owner.startTime,
        owner.bootId,
        description,
        recordType,
        now(),
      )
      return String(result.lastInsertRowid)
    },
    commit: (id, { chainId, diffId, size, contentBytes }) =>
      database.transaction(() => {
        const there = chainId === undefined ? undefined : one('chain_id', chainId)
        if (there !== undefined) return there
        sql(
          `UPDATE layers SET committed = 1, chain_id = ?1, diff_id = ?2, size = ?3, content_bytes = ?4,
          created_at = ?5, touched_at = ?5 WHERE id = ?6`,
        ).run(chainId ?? null, diffId ?? null, size ?? null, contentBytes ?? null, now(), Number(id))
        return get(id)
      }),
    get,
    has: id => one('id', Number(id)) !== undefined,
    exists: id => sql('SELECT 1 FROM layers WHERE id = ?').get(Number(id)) !== undefined,
    findByChainId: chainId => one('chain_id', chainId),
    touch: id => {
      sql(
        'UPDATE layers SET touched_at = ?1, usage_count = usage_count + 1 WHERE id = ?2 AND touched_at < ?1 - ?3',
      ).run(now(), Number(id), touchEveryMs)
    },
    setSize: (id, size) => void sql('UPDATE layers SET size = ? WHERE id = ?').run(size, Number(id)),
    setContentBytes: (id, bytes) =>
      void sql('UPDATE layers SET content_bytes = ? WHERE id = ?').run(bytes, Number(id)),
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
    packed: (id, variant) => {
      const row = sql('SELECT diff_id, descriptor FROM layer_packs WHERE layer = ? AND variant = ?').get(
        Number(id),
        variant,
      )
      return row === undefined ? undefined : blobFromRow(row)
    },
    allPacked: id =>
      sql('SELECT diff_id, descriptor FROM layer_packs WHERE layer = ? ORDER BY variant')
        .all(Number(id))
        .map(blobFromRow),
    addPacked: (id, variant, { descriptor, diffId }) =>
      void sql('INSERT OR REPLACE INTO layer_packs VALUES (?, ?, ?, ?, ?)').run(
        Number(id),
        variant,
        descriptor.digest,
        diffId,
        JSON.stringify(descriptor),
      ),
    allBlobs: () =>
      new Set(
        sql('SELECT digest FROM layer_blobs UNION SELECT digest FROM layer_packs')
          .all()
          .map(row => String(row['digest'])),
      ),
    forgetBlob: digest =>
      database.transaction(() => {
        sql('DELETE FROM layer_blobs WHERE digest = ?').run(digest)
        sql('DELETE FROM layer_packs WHERE digest = ?').run(digest)
      }),
    remove: id => void sql('DELETE FROM layers WHERE id = ?').run(Number(id)),
    removeUnused: (id, untilMs) =>
      sql(
        `DELETE FROM layers WHERE id = ?1 AND committed = 1 AND touched_at <= ?2
        AND NOT EXISTS (SELECT 1 FROM leased WHERE kind = 'layer' AND key = ?3)
        AND NOT EXISTS (SELECT 1 FROM layers AS above, json_each(above.parents) WHERE json_each.value = ?3)`,
      ).run(Number(id), untilMs, id).changes > 0,
    sealedInOtherBoots: bootId =>
      sql('SELECT id FROM layers WHERE committed = 1 AND synced = 0 AND boot_id <> ?')
        .all(bootId)
        .map(row => String(row['id'])),
    unsynced: (bootId, untilMs) =>
      sql('SELECT id FROM layers WHERE committed = 1 AND synced = 0 AND boot_id = ? AND created_at < ?')
        .all(bootId, untilMs)
        .map(row => String(row['id'])),
    setSynced: ids =>
      database.transaction(() => {
        for (const id of ids) sql('UPDATE layers SET synced = 1 WHERE id = ?').run(Number(id))
      }),
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

function blobFromRow(row: Row): LayerBlob {
  return {
    descriptor: JSON.parse(String(row['descriptor'])) as Descriptor,
    diffId: parseDigest(row['diff_id']),
  }
}

function fromRow(row: Row): LayerRecord {
  const chainId = row['chain_id']
  const diffId = row['diff_id']
  return {
    id: String(row['id']),
    parents: JSON.parse(String(row['parents'])) as string[],
    touchedAt: Number(row['touched_at']),
    usageCount: Number(row['usage_count']),
    recordType: String(row['record_type']) as UsageRecordType,
    createdMs: Number(row['created_at']),
    description: String(row['description']),
    ...(isDigest(chainId) ? { chainId } : {}),
    ...(isDigest(diffId) ? { diffId } : {}),
    ...(row['content_bytes'] === null ? {} : { contentBytes: Number(row['content_bytes']) }),
    ...(row['size'] === null ? {} : { size: Number(row['size']) }),
  }
}
