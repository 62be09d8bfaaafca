import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Digest, digestOf } from '../oci/digest.ts'
import { mediaType } from '../oci/media-type.ts'
import { contentContract } from './content-contract.ts'
import { openDatabase } from './database.ts'
import { openImageNames } from './image-names.ts'
import { createLayout, openLayout } from './layout-store.ts'
import { openLeases } from './lease.ts'
import { MemoryStore } from './memory-store.ts'

const base = mkdtempSync(join(tmpdir(), 'slipway-content-'))
after(() => rmSync(base, { recursive: true }))
let count = 0
const fresh = (): string => join(base, String(count++))

contentContract('layout on disk', () => createLayout(fresh()))
contentContract('memory', async () => new MemoryStore())

describe('layout', () => {
  for (const removeDamaged of [true, false]) {
    it(`tells of blobs that were damaged, and ${removeDamaged ? 'removes' : 'keeps'} them`, async () => {
      const store = await createLayout(fresh(), { removeDamaged })
      const bytes = Buffer.alloc(600_000, 'x')
      for (const read of [
        (digest: Digest) => store.readAll(digest),
        (digest: Digest) => Array.fromAsync(store.read(digest, { offset: 0 })),
      ]) {
        const { digest } = await store.put(bytes)
        writeFileSync(store.path(digest), bytes.fill('y', 300_000, 300_001))
        await assert.rejects(read(digest), {
          code: 'data-loss',
          message: `content ${digest} is damaged on disk: its digest is ${digestOf(bytes)}`,
        })
        assert.equal(await store.size(digest), removeDamaged ? undefined : 600_000)
        bytes.fill('x')
      }
    })
  }

  it('is read in part by who stops in the middle, and nothing is removed', async () => {
    const store = await createLayout(fresh(), { removeDamaged: true })
    const { digest } = await store.put(Buffer.alloc(600_000))
    for await (const _ of store.read(digest)) break
    assert.equal(await store.size(digest), 600_000)
  })

  it('is an OCI layout, and made only once', async () => {
    const root = fresh()
    await (await createLayout(root)).put(Buffer.from('x'))
    const again = await createLayout(root)
    assert.equal(await again.size(digestOf('x')), 1)
    assert.equal(readFileSync(join(root, 'oci-layout'), 'utf8'), '{"imageLayoutVersion":"1.0.0"}')
    assert.equal(JSON.parse(readFileSync(join(root, 'index.json'), 'utf8')).schemaVersion, 2)
    assert.equal(await (await openLayout(root)).size(digestOf('x')), 1)
    await assert.rejects(openLayout(base), { code: 'not-found', message: /has no oci-layout file/ })
  })

  it('takes blobs that are asked for as new, where it is told to', async () => {
    const root = fresh()
    const plain = await createLayout(root)
    const { digest } = await plain.put(Buffer.from('x'))
    utimesSync(plain.path(digest), 1000, 1000)
    const age = async (): Promise<number | undefined> => (await Array.fromAsync(plain.list()))[0]?.modifiedMs
    await plain.size(digest)
    assert.equal(await age(), 1_000_000)
    await (await createLayout(root, { keepYoung: true })).size(digest)
    assert.ok(((await age()) ?? 0) > 1_000_000)
  })

  it('sweeps what dead processes left, and nothing else', async () => {
    const root = fresh()
    const store = await createLayout(root)
    writeFileSync(join(root, 'ingest', '999999999-1-ab'), 'left')
    await using writer = await store.writer()
    await writer.write(Buffer.from('mine'))
    await store.sweep()
    assert.equal(readdirSync(join(root, 'ingest')).length, 1)
    await writer.commit()
    assert.equal(await store.size(digestOf('mine')), 4)
  })

  it('says why it cannot write', {
    skip: process.getuid?.() === 0 && 'root may write everywhere',
  }, async () => {
    const root = fresh()
    const store = await createLayout(root)
    chmodSync(join(root, 'ingest'), 0o500)
    await assert.rejects(store.put(Buffer.from('x')), { code: 'permission-denied' })
  })
})

describe('database', () => {
  it('runs each migration once', () => {
    const path = join(base, 'a.db')
    const steps = ['CREATE TABLE t (x)', 'INSERT INTO t VALUES (1)']
    {
      using db = openDatabase(path)
      db.migrate('t', steps)
      db.migrate('t', steps)
    }
    using db = openDatabase(path)
    db.migrate('t', [...steps, 'INSERT INTO t VALUES (2)'])
    assert.equal(db.prepare('SELECT count(*) AS n FROM t').get()?.['n'], 2)
    assert.throws(() => db.migrate('t', steps), { code: 'failed-precondition', message: /newer version/ })
  })

  it('undoes a failed transaction and joins nested ones', () => {
    using db = openDatabase(':memory:')
    db.migrate('t', ['CREATE TABLE t (x UNIQUE)'])
    const add = (x: number): unknown => db.transaction(() => db.prepare('INSERT INTO t VALUES (?)').run(x))
    assert.throws(() => db.transaction(() => [add(1), add(1)]))
    db.transaction(() => [add(2), add(3)])
    assert.deepEqual(
      db
        .prepare('SELECT x FROM t ORDER BY x')
        .all()
        .map(r => r['x']),
      [2, 3],
    )
  })

  it('says that the file is none', () => {
    const path = join(base, 'no.db')
    writeFileSync(path, 'this is not a database file, and long enough to be recognised as none')
    assert.throws(() => openDatabase(path), { code: 'data-loss', hint: /damaged/ })
  })
})

describe('image names', () => {
  const image = { mediaType: mediaType.ociIndex, digest: digestOf('i'), size: 3 }

  it('are kept, moved, listed and mirrored in index.json', async () => {
    const { root } = await createLayout(fresh())
    using db = openDatabase(':memory:')
    const images = openImageNames(db, root)
    images.set('b:1', image, 10)
    images.set('a:1', image, 11)
    images.set('b:1', { ...image, digest: digestOf('j') }, 12)
    assert.deepEqual(
      images.list().map(i => [i.reference, i.createdAt, i.updatedAt]),
      [
        ['a:1', 11, 11],
        ['b:1', 10, 12],
      ],
    )
    assert.equal(images.get('b:1')?.descriptor.digest, digestOf('j'))
    const index = JSON.parse(readFileSync(join(root, 'index.json'), 'utf8'))
    assert.deepEqual(
      index.manifests.map(
        (m: { annotations: Record<string, string> }) => m.annotations['org.opencontainers.image.ref.name'],
      ),
      ['a:1', 'b:1'],
    )
    const before = statSync(join(root, 'index.json')).ino
    images.set('a:1', image, 13)
    assert.equal(images.get('a:1')?.updatedAt, 13)
    assert.equal(statSync(join(root, 'index.json')).ino, before, 'the same image changes nothing in the file')
    assert.equal(images.delete('a:1'), true)
    assert.equal(images.delete('a:1'), false)
    assert.equal(JSON.parse(readFileSync(join(root, 'index.json'), 'utf8')).manifests.length, 1)
  })
})

describe('leases', () => {
  it('hold until they are closed', () => {
    using db = openDatabase(':memory:')
    const leases = openLeases(db)
    const lease = leases.open()
    lease.hold('layer', '1')
    lease.hold('blob', digestOf('x'))
    lease.hold('layer', '1')
    assert.deepEqual([...leases.held().layers], ['1'])
    assert.deepEqual([...leases.held().blobs], [digestOf('x')])
    lease[Symbol.dispose]()
    lease[Symbol.dispose]()
    assert.equal(leases.held().layers.size, 0)
  })

  it('of dead processes count for nothing', () => {
    using db = openDatabase(':memory:')
    const leases = openLeases(db)
    leases.open().hold('layer', '1')
    db.prepare('UPDATE leases SET start_time = start_time + 1').run()
    assert.equal(leases.held().layers.size, 0)
  })
})

describe('many processes', () => {
  it('share a store, and killing them at any moment leaves it whole', async () => {
    const root = fresh()
    const program = fileURLToPath(new URL('./fixtures/hammer.ts', import.meta.url))
    const children = ['a', 'b', 'c'].map(name =>
      spawn(process.execPath, [program, root, name], { stdio: ['ignore', 'pipe', 'inherit'] }),
    )
    await Promise.all(children.map(child => new Promise(resolve => child.stdout.once('data', resolve))))
    await new Promise(resolve => setTimeout(resolve, 200))
    const gone = children.map(child => new Promise(resolve => child.once('close', resolve)))
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(gone)
    const store = await openLayout(root)
    for await (const blob of store.list()) {
      assert.equal(blob.size, 200_000)
      assert.equal(digestOf(await store.readAll(blob.digest)), blob.digest)
    }
    using db = openDatabase(join(root, 'test.db'))
    const images = openImageNames(db, root)
    for (const { descriptor } of images.list()) assert.equal(await store.size(descriptor.digest), 200_000)
    const index = JSON.parse(readFileSync(join(root, 'index.json'), 'utf8'))
    assert.ok(index.manifests.length >= 3)
    await store.sweep()
    assert.deepEqual(readdirSync(join(root, 'ingest')), [])
  })
})
