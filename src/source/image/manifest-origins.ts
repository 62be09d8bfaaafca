import type { Database } from '../../content/database.ts'

/** Which repositories are known to have a manifest: others must be asked before what is here is taken for theirs. */
export interface ManifestOrigins {
  has(digest: string, repository: string): boolean
  /** Whether anything came from there. */
  hasAny(repository: string): boolean
  /** `repository` as `host/path`. */
  add(digest: string, repository: string): void
}

const statements = [
  `CREATE TABLE manifest_origins (
    digest TEXT NOT NULL, repository TEXT NOT NULL, PRIMARY KEY (digest, repository)
  ) WITHOUT ROWID`,
  'CREATE INDEX manifest_origins_repository ON manifest_origins (repository)',
]

/** Origins in a table of `database`. */
export function openManifestOrigins(database: Database): ManifestOrigins {
  database.migrate('manifest-origins', statements)
  const has = (digest: string, repository: string): boolean =>
    database
      .prepare('SELECT 1 FROM manifest_origins WHERE digest = ? AND repository = ?')
      .get(digest, repository) !== undefined
  return {
    has,
    hasAny: repository =>
      database.prepare('SELECT 1 FROM manifest_origins WHERE repository = ?').get(repository) !== undefined,
    add(digest, repository) {
      // Most calls are about what is known: those must not wait for whoever writes.
      if (has(digest, repository)) return
      database.prepare('INSERT OR IGNORE INTO manifest_origins VALUES (?, ?)').run(digest, repository)
    },
  }
}
