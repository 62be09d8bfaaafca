import type { Database } from '../content/database.ts'
import type { FileDigestCache } from '../ops/content-hash.ts'
import { baseOf, parentOf } from '../snapshot/resolve-path.ts'
import type { Entry } from '../snapshot/tree.ts'

const statements = [
  `CREATE TABLE local_digests (
    directory TEXT NOT NULL, path TEXT NOT NULL, stat TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (directory, path)
  ) WITHOUT ROWID`,
  'DROP TABLE local_digests',
  `CREATE TABLE local_file_digests (
    directory TEXT NOT NULL, folder TEXT NOT NULL, name TEXT NOT NULL, stat TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (directory, folder, name)
  ) WITHOUT ROWID`,
]

interface Known {
  readonly stat: string
  readonly digest: string
}

/** What is known of the files of one folder. */
interface Folder {
  readonly directory: string
  readonly folder: string
  readonly files: Map<string, Known>
  /** Names of those that are not in the database yet. */
  readonly learned: Set<string>
}

/** Digests of files in local directories, kept between builds: a file whose inode and times are the same is not read again. */
export interface LocalDigests extends Disposable {
  readonly of: (directory: string) => FileDigestCache
}

/** A file changed less than this before it was read may change again within the same clock tick (ms). */
const settleMs = 1500

/** When this many files are known, what is new is written, and most are forgotten: walks go from folder to folder. */
const mostRemembered = 20_000
/** Folders that are kept all the same: several walks may be under way, and a folder may have any number of files. */
const foldersKept = 16

/** Opens the digests in `database`. What a build learns is written by and by, and when it is disposed. */
export function createLocalDigests(database: Database): LocalDigests {
  database.migrate('local-digests', statements)
  const digests = new DigestTable(database)
  const statOf = (entry: Entry): string => `${entry.statKey} ${entry.size} ${entry.mode}`
  return {
    of: directory => ({
      get(path, entry) {
        if (entry.statKey === undefined) return undefined
        const known = digests.folder(directory, parentOf(path)).files.get(baseOf(path))
        return known?.stat === statOf(entry) ? known.digest : undefined
      },
      set(path, entry, digest) {
        if (entry.statKey === undefined || Number(entry.mtimeNs / 1_000_000n) > Date.now() - settleMs) return
        digests.set(directory, path, { stat: statOf(entry), digest })
      },
    }),
    [Symbol.dispose]: () => digests.write(),
  }
}

class DigestTable {
  readonly #database: Database
  /** In the order of their last use. */
  readonly #folders = new Map<string, Folder>()
  readonly #learned = new Set<Folder>()
  /** The one that was used last. */
  #last: Folder | undefined
  #count = 0
  #most = mostRemembered

  constructor(database: Database) {
    this.#database = database
  }

  folder(directory: string, folder: string): Folder {
    const last = this.#last
    if (last?.folder === folder && last.directory === directory) return last
    const key = `${directory}\0${folder}`
    const found = this.#folders.get(key) ?? this.#load(directory, folder)
    this.#folders.delete(key)
    this.#folders.set(key, found)
    this.#last = found
    if (this.#count > this.#most) this.#forget()
    return found
  }

  set(directory: string, path: string, known: Known): void {
    const folder = this.folder(directory, parentOf(path))
    const { files, learned } = folder
    const name = baseOf(path)
    const before = files.size
    files.set(name, known)
    learned.add(name)
    this.#learned.add(folder)
    this.#count += files.size - before
    if (this.#count > this.#most) this.#forget()
  }

  write(): void {
    if (this.#learned.size === 0) return
    this.#database.transaction(() => {
      const insert = this.#database.prepare(
        'INSERT OR REPLACE INTO local_file_digests VALUES (?, ?, ?, ?, ?)',
      )
      for (const { directory, folder, files, learned } of this.#learned) {
        for (const name of learned) {
          const known = files.get(name)
          if (known !== undefined) insert.run(directory, folder, name, known.stat, known.digest)
        }
      }
    })
    for (const { learned } of this.#learned) learned.clear()
    this.#learned.clear()
  }

  #load(directory: string, folder: string): Folder {
    const rows = this.#database
      .prepare('SELECT name, stat, digest FROM local_file_digests WHERE directory = ? AND folder = ?')
      .all(directory, folder)
    const files = new Map<string, Known>()
    for (const { name, stat, digest } of rows)
      files.set(String(name), { stat: String(stat), digest: String(digest) })
    this.#count += files.size + 1
    return { directory, folder, files, learned: new Set() }
  }

  /** Writes what is new, and keeps the folders that were used last. */
  #forget(): void {
    this.write()
    for (const [key, { files }] of [...this.#folders].slice(0, -foldersKept)) {
      this.#folders.delete(key)
      this.#count -= files.size + 1
    }
    this.#most = Math.max(mostRemembered, 2 * this.#count)
  }
}
