import type { Database } from '../content/database.ts'
import type { FileDigestCache } from '../ops/content-hash.ts'
import type { Entry } from '../snapshot/tree.ts'

const statements = [
  `CREATE TABLE local_digests (
    directory TEXT NOT NULL, path TEXT NOT NULL, stat TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (directory, path)
  ) WITHOUT ROWID`,
]

interface Known {
  readonly stat: string
  readonly digest: string
}

/** Digests of files in local directories, kept between builds: a file whose inode and times are the same is not read again. */
export interface LocalDigests extends Disposable {
  readonly of: (directory: string) => FileDigestCache
}

/** A file changed less than this before it was read may change again within the same clock tick (ms). */
const settleMs = 1500

/** Opens the digests in `database`. What a build learns is written when it is disposed. */
export function createLocalDigests(database: Database): LocalDigests {
  database.migrate('local-digests', statements)
  const loaded = new Map<string, Map<string, Known>>()
  const learned = new Map<string, Map<string, Known>>()
  const load = (directory: string): Map<string, Known> => {
    const known = loaded.get(directory)
    if (known) return known
    const rows = database
      .prepare('SELECT path, stat, digest FROM local_digests WHERE directory = ?')
      .all(directory)
    const map = new Map(
      rows.map(row => [String(row['path']), { stat: String(row['stat']), digest: String(row['digest']) }]),
    )
    loaded.set(directory, map)
    return map
  }
  const statOf = (entry: Entry): string => `${entry.statKey} ${entry.size} ${entry.mode}`
  return {
    of: directory => ({
      get(path, entry) {
        if (entry.statKey === undefined) return undefined
        const known = load(directory).get(path)
        return known?.stat === statOf(entry) ? known.digest : undefined
      },
      set(path, entry, digest) {
        if (entry.statKey === undefined || Number(entry.mtimeNs / 1_000_000n) > Date.now() - settleMs) return
        const known = { stat: statOf(entry), digest }
        load(directory).set(path, known)
        const fresh = learned.get(directory) ?? new Map<string, Known>()
        learned.set(directory, fresh)
        fresh.set(path, known)
      },
    }),
    [Symbol.dispose]() {
      if (learned.size === 0) return
      database.transaction(() => {
        const insert = database.prepare('INSERT OR REPLACE INTO local_digests VALUES (?, ?, ?, ?)')
        for (const [directory, files] of learned)
          for (const [path, known] of files) insert.run(directory, path, known.stat, known.digest)
      })
      learned.clear()
    },
  }
}
