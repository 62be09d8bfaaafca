import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'

/**
 * The one SQLite file of a state directory, shared by many processes at once. All calls are synchronous and short:
 * nothing is awaited inside a transaction.
 */
export interface Database extends Disposable {
  /**
   * Brings the tables of one concern (`name`) up to date: runs the statements that have not been run yet, in order, each
   * once for ever. Statements are only ever added to the end of the list. Throws `failed-precondition` where the file
   * was written by a newer version.
   */
  migrate(name: string, statements: readonly string[]): void
  /** A prepared statement; the same text gives the same statement. */
  prepare(sql: string): StatementSync
  /** Runs `fn` in a write transaction, or in the one that is open already. A throw undoes it. */
  transaction<T>(fn: () => T): T
}

const busyTimeoutMs = 30_000

/** Bytes that are kept beside the file, so that something can still be removed when the disk is full. */
const reserveSize = 256 * 1024

/**
 * Opens or creates the file at `path` (`:memory:` for tests). On a full disk it takes the space that it has put aside.
 * Throws `data-loss` where it is not a database, `resource-exhausted` where there is no space at all.
 */
export function openDatabase(path: string): Database {
  try {
    if (path !== ':memory:') keepReserve(path)
    return new SqliteDatabase(openSetUp(path), path)
  } catch (error) {
    throw wrapError(`failed to open ${path}`, sqliteError(path, error, ''))
  }
}

/** Puts space aside where there is plenty, and gives it free where there is hardly any. */
function keepReserve(path: string): void {
  const reserve = `${path}.reserve`
  const left = freeSpace(path)
  if (left < reserveSize) rmSync(reserve, { force: true })
  else if (left > 64 * reserveSize && !existsSync(reserve)) {
    try {
      writeFileSync(reserve, Buffer.alloc(reserveSize, 1), { flag: 'wx', mode: 0o600 })
    } catch {
      // Another process was first, or nothing can be written: SQLite will tell.
    }
  }
}

/** Bytes that can still be written beside the file. */
function freeSpace(path: string): number {
  const { bavail, bsize } = statfsSync(dirname(path))
  return bavail * bsize
}

function openSetUp(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs })
  try {
    setUp(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Whether SQLite failed for want of space: some calls of its fail with an I/O error then. */
function isFull(path: string, error: unknown): boolean {
  const code = primaryCode(error)
  if (code === 13) return true
  if (code !== 10 || path === ':memory:') return false
  return freeSpace(path) < reserveSize
}

/** The write-ahead log lets readers go on while one process writes; `NORMAL` may lose the last commits in a power cut, not the file. */
function setUp(db: DatabaseSync): void {
  for (let attempt = 1; ; attempt++) {
    try {
      // Changing the journal mode does not wait for other processes as everything else does.
      db.exec('PRAGMA journal_mode = WAL')
      break
    } catch (error) {
      if (attempt === 50 || !isBusy(error)) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
  db.exec('PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY')
  db.exec(
    'CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID',
  )
}

class SqliteDatabase implements Database {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #statements = new Map<string, StatementSync>()
  #depth = 0

  constructor(db: DatabaseSync, path: string) {
    this.#db = db
    this.#path = path
  }

  migrate(name: string, statements: readonly string[]): void {
    const current = (): number => {
      const row = this.prepare('SELECT version FROM migrations WHERE name = ?').get(name)
      return row === undefined ? 0 : Number(row['version'])
    }
    if (current() === statements.length) return
    this.transaction(() => {
      const version = current()
      if (version > statements.length) {
        throw new SlipwayError(
          'failed-precondition',
          `the state directory was written by a newer version of Slipway (${name} ${version})`,
          {
            hint: 'use the newer version, or another state directory (--root or SLIPWAY_ROOT)',
          },
        )
      }
      for (const statement of statements.slice(version)) this.#db.exec(statement)
      this.prepare(
        'INSERT INTO migrations VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version',
      ).run(name, statements.length)
    })
  }

  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#telling(this.#db.prepare(sql))
      this.#statements.set(sql, statement)
    }
    return statement
  }

  transaction<T>(fn: () => T): T {
    if (this.#depth > 0) return fn()
    this.#told(() => this.#db.exec('BEGIN IMMEDIATE'))
    this.#depth++
    try {
      const result = fn()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw sqliteError(this.#path, error)
    } finally {
      this.#depth--
    }
  }

  /** The statement, with errors that tell what to do; most are not run in a transaction of their own. */
  #telling(statement: StatementSync): StatementSync {
    for (const name of ['run', 'get', 'all'] as const) {
      const call = statement[name].bind(statement) as (...values: unknown[]) => unknown
      Object.assign(statement, { [name]: (...values: unknown[]) => this.#told(() => call(...values)) })
    }
    return statement
  }

  #told<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw sqliteError(this.#path, error)
    }
  }

  [Symbol.dispose](): void {
    this.#statements.clear()
    if (this.#db.isOpen) this.#db.close()
  }
}

/** Source: https://www.sqlite.org/rescode.html. */
function sqliteError(path: string, error: unknown, doing = `failed to write to ${path}: `): unknown {
  const code = primaryCode(error)
  if (code === undefined || !(error instanceof Error)) return error
  if (code === 5 || code === 6) {
    return new SlipwayError('unavailable', 'the state directory is locked by another process', {
      cause: error,
    })
  }
  if (isFull(path, error)) return noSpace(doing, error)
  if (code === 10) {
    return new SlipwayError('unknown', `${doing}${error.message}`, {
      cause: error,
      hint: 'check the disk of the state directory, and the limit of file sizes (`ulimit -f`)',
    })
  }
  if (code === 8 || code === 14)
    return new SlipwayError('failed-precondition', error.message, {
      cause: error,
      hint: 'the state directory cannot be written: choose another place with --root or SLIPWAY_ROOT',
    })
  if (code === 11 || code === 26) {
    return new SlipwayError('data-loss', error.message, {
      cause: error,
      hint: 'the state directory is damaged: remove it, or use another one (--root or SLIPWAY_ROOT)',
    })
  }
  return error
}

function noSpace(what: string, cause: unknown): SlipwayError {
  return new SlipwayError('resource-exhausted', `${what}no space left on device`, {
    cause,
    hint: 'free some disk space (`slipway prune` removes unused build cache), then run the command again',
  })
}

function isBusy(error: unknown): boolean {
  const code = primaryCode(error)
  return code === 5 || code === 6
}

function primaryCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
