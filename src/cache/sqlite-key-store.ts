import type { Database } from '../content/database.ts'
import { rootKeyId } from '../solver/cache-key.ts'
import type { KeyLink, KeyStore } from '../solver/key-store.ts'

const statements = [
  `CREATE TABLE cache_links (
    id TEXT NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL, digest TEXT NOT NULL, selector TEXT NOT NULL,
    target TEXT NOT NULL, PRIMARY KEY (id, input, output, digest, selector, target)
  ) WITHOUT ROWID`,
  `CREATE TABLE cache_records (
    id TEXT NOT NULL, saved TEXT NOT NULL, created_ms INTEGER NOT NULL, PRIMARY KEY (id, saved)
  ) WITHOUT ROWID`,
  'CREATE INDEX cache_links_by_target ON cache_links (target)',
]

/** Cache keys in the state directory, shared by all processes that use it. */
export function createSqliteKeyStore(database: Database): KeyStore {
  database.migrate('cache', statements)
  const targets = database.prepare(
    'SELECT target FROM cache_links WHERE id = ? AND input = ? AND output = ? AND digest = ? AND selector = ?',
  )
  const addLink = database.prepare('INSERT OR IGNORE INTO cache_links VALUES (?, ?, ?, ?, ?, ?)')
  const records = database.prepare('SELECT saved, created_ms FROM cache_records WHERE id = ?')
  const addRecord = database.prepare('INSERT OR REPLACE INTO cache_records VALUES (?, ?, ?)')
  const removeRecord = database.prepare('DELETE FROM cache_records WHERE id = ? AND saved = ?')
  const exists = database.prepare(
    'SELECT EXISTS (SELECT 1 FROM cache_links WHERE id = ?1) OR EXISTS (SELECT 1 FROM cache_records WHERE id = ?1) AS found',
  )
  const sources = database.prepare(
    'SELECT id, input, output, digest, selector FROM cache_links WHERE target = ? ORDER BY id, input, digest, selector',
  )
  const columns = (link: KeyLink): [number, number, string, string] => [
    link.input,
    link.output,
    link.digest,
    link.selector,
  ]
  return {
    name: 'local',
    targets: (id, link) => targets.all(id, ...columns(link)).map(row => String(row['target'])),
    exists: id => exists.get(id)?.['found'] === 1,
    addLink: (id, link, target) => {
      addLink.run(id, ...columns(link), target)
    },
    backlinks: id =>
      sources.all(id).map(row => ({
        source: String(row['id']),
        input: Number(row['input']),
        record: rootKeyId(String(row['digest']), Number(row['output'])),
        selector: String(row['selector']),
      })),
    records: id =>
      records.all(id).map(row => ({ saved: String(row['saved']), createdMs: Number(row['created_ms']) })),
    addRecord: (id, record) => {
      addRecord.run(id, record.saved, Math.round(record.createdMs))
    },
    removeRecord: (id, saved) => {
      removeRecord.run(id, saved)
    },
    transaction: work => database.transaction(work),
  }
}
