import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { asSlipwayError, type SlipwayError } from './slipway-error.ts'

describe('asSlipwayError', () => {
  it('does not tell where on this machine a path with a NUL was looked for', () => {
    const error = thrown(() => statSync('/var/lib/somewhere/a\0b'))
    assert.equal(error.code, 'invalid-argument')
    assert.equal(error.message, 'invalid argument: a path with a NUL byte')
  })

  it('says of a full disk what to do, also where SQLite noticed it', () => {
    const written = thrown(() => writeFileSync('/dev/full', 'x'))
    assert.equal(written.code, 'resource-exhausted')
    assert.match(written.hint ?? '', /slipway prune/)
    using database = new DatabaseSync(':memory:')
    database.exec('PRAGMA page_size = 512; CREATE TABLE t (x BLOB); PRAGMA max_page_count = 3')
    const stored = thrown(() => database.exec('INSERT INTO t VALUES (zeroblob(100000))'))
    assert.deepEqual([stored.code, stored.hint], [written.code, written.hint])
  })
})

function thrown(fails: () => unknown): SlipwayError {
  try {
    fails()
  } catch (error) {
    return asSlipwayError(error)
  }
  throw new Error('it did not fail')
}
