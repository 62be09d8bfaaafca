import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { writeWholeFile } from './whole-file.ts'

function scratch(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'slipway-whole-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half')
  throw new Error('the source broke')
}

test('A file is replaced when all of it is there, and not before.', async t => {
  const path = join(scratch(t), 'f')
  await writeWholeFile(path, ['one'], { mode: 0o600 })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await assert.rejects(writeWholeFile(path, broken()), /the source broke/)
  assert.equal(readFileSync(path, 'utf8'), 'one')
  await assert.rejects(writeWholeFile(path, ['two'], { signal: AbortSignal.abort() }), { name: 'AbortError' })
  assert.deepEqual(readdirSync(join(path, '..')), ['f'])
})

test('A symbolic link to nothing yet says where the file is made.', async t => {
  const dir = scratch(t)
  symlinkSync('second', join(dir, 'first'))
  symlinkSync('file', join(dir, 'second'))
  await writeWholeFile(join(dir, 'first'), ['one'])
  assert.equal(readFileSync(join(dir, 'file'), 'utf8'), 'one')
  assert.ok(lstatSync(join(dir, 'first')).isSymbolicLink() && lstatSync(join(dir, 'second')).isSymbolicLink())
})

test('An error names the file, not what it was called before it was whole.', async t => {
  const path = join(scratch(t), 'missing', 'f')
  await assert.rejects(writeWholeFile(path, ['one']), {
    path,
    message: `ENOENT: no such file or directory, open '${path}'`,
  })
})

test('What a symbolic link names is written, and the link stays.', async t => {
  const dir = scratch(t)
  writeFileSync(join(dir, 'real'), 'old')
  symlinkSync('real', join(dir, 'link'))
  await writeWholeFile(join(dir, 'link'), ['new'])
  assert.equal(readFileSync(join(dir, 'real'), 'utf8'), 'new')
  assert.ok(lstatSync(join(dir, 'link')).isSymbolicLink())
})

test('A device and a pipe stay what they are.', async t => {
  await writeWholeFile('/dev/null', ['gone'])
  assert.ok(statSync('/dev/null').isCharacterDevice())
  const pipe = join(scratch(t), 'pipe')
  execFileSync('mkfifo', [pipe])
  const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'ignore'] })
  const read = reader.stdout.toArray()
  await writeWholeFile(pipe, ['through'])
  assert.equal(Buffer.concat((await read) as Buffer[]).toString(), 'through')
  assert.ok(lstatSync(pipe).isFIFO())
})

test('A directory in its place is an error.', async t => {
  const dir = scratch(t)
  await assert.rejects(writeWholeFile(dir, ['x']), { code: 'EISDIR' })
  assert.deepEqual(readdirSync(dir), [])
})

test('A pipe that nobody reads is waited for until the signal comes.', async t => {
  const path = join(scratch(t), 'pipe')
  execFileSync('mkfifo', [path])
  const abort = new AbortController()
  const writing = writeWholeFile(path, ['never'], { signal: abort.signal })
  setImmediate(() => abort.abort())
  await assert.rejects(writing, { name: 'AbortError' })
})

test('A failed write is told with the name of the file.', async () => {
  await assert.rejects(writeWholeFile('/dev/full', ['x']), {
    code: 'ENOSPC',
    message: "ENOSPC: no space left on device, write '/dev/full'",
  })
})
