import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Descriptor } from '../oci/descriptor.ts'
import { mediaType } from '../oci/media-type.ts'
import type { Database } from './database.ts'

/** A name in the local store. Times are milliseconds since 1970. */
export interface NamedImage {
  /** Full reference: `docker.io/library/app:latest`. */
  readonly reference: string
  /** Index or manifest that the name stands for. */
  readonly descriptor: Descriptor
  readonly createdAt: number
  readonly updatedAt: number
}

/** Names of images that are kept. What they refer to is never collected. */
export interface ImageNames {
  get(reference: string): NamedImage | undefined
  /** Gives the name to another image, or makes it. `now` in milliseconds. */
  set(reference: string, descriptor: Descriptor, now?: number): void
  /** True where the name was there. */
  delete(reference: string): boolean
  /** All names, sorted by bytes. */
  list(): NamedImage[]
}

const statements = [
  `CREATE TABLE images (
    reference TEXT PRIMARY KEY, descriptor TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
  ) WITHOUT ROWID`,
]

/**
 * Names in the tables of `database`, repeated in `index.json` of the layout at `layout` after each change, so that
 * other programs find images there (`skopeo copy oci:<layout>:<reference>`). The table is the truth.
 */
export function openImageNames(database: Database, layout: string): ImageNames {
  database.migrate('images', statements)
  const change = <T>(fn: () => T): T =>
    database.transaction(() => {
      const result = fn()
      // Inside the transaction: it is also the lock that keeps two processes from writing the file out of order.
      writeIndex(layout, list(database))
      return result
    })
  return {
    get: reference => {
      const row = database.prepare('SELECT * FROM images WHERE reference = ?').get(reference)
      return row === undefined ? undefined : fromRow(row)
    },
    set: (reference, descriptor, now = Date.now()) =>
      database.transaction(() => {
        const text = JSON.stringify(descriptor)
        // A build that made the same image once more changes nothing that others see: the file stays as it is.
        const same = database
          .prepare('UPDATE images SET updated_at = ?3 WHERE reference = ?1 AND descriptor = ?2')
          .run(reference, text, now)
        if (same.changes > 0) return
        change(() =>
          database
            .prepare(
              `INSERT INTO images VALUES (?1, ?2, ?3, ?3)
              ON CONFLICT (reference) DO UPDATE SET descriptor = excluded.descriptor, updated_at = excluded.updated_at`,
            )
            .run(reference, text, now),
        )
      }),
    delete: reference =>
      change(() => database.prepare('DELETE FROM images WHERE reference = ?').run(reference).changes > 0),
    list: () => list(database),
  }
}

function list(database: Database): NamedImage[] {
  return database.prepare('SELECT * FROM images ORDER BY reference').all().map(fromRow)
}

function fromRow(row: Readonly<Record<string, unknown>>): NamedImage {
  return {
    reference: String(row['reference']),
    descriptor: JSON.parse(String(row['descriptor'])) as Descriptor,
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
  }
}

/** Source: OCI image-spec 1.1 annotations.md; the second annotation is containerd's. */
function writeIndex(layout: string, images: readonly NamedImage[]): void {
  const manifests = images.map(({ reference, descriptor }) => ({
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    annotations: {
      ...descriptor.annotations,
      'io.containerd.image.name': reference,
      'org.opencontainers.image.ref.name': reference,
    },
    ...(descriptor.platform === undefined ? {} : { platform: descriptor.platform }),
  }))
  const path = join(layout, 'index.json')
  const temporary = `${path}.${process.pid}`
  try {
    writeFileSync(temporary, JSON.stringify({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests }))
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
