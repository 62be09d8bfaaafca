import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { digestOf } from '../oci/digest.ts'
import { mediaType } from '../oci/media-type.ts'
import { mount, mountFlag, unmount } from '../sys/mount.ts'
import { openDatabase } from './database.ts'
import { openImageNames } from './image-names.ts'
import { createLayout } from './layout-store.ts'

const base = mkdtempSync(join(tmpdir(), 'slipway-content-itg-'))
after(() => rmSync(base, { recursive: true }))

function has(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('a small disk', { skip: process.getuid?.() !== 0 && 'needs root to mount one' }, () => {
  const disk = join(base, 'disk')
  mkdirSync(disk)

  it('that is full, or read-only, is said to be so', async t => {
    try {
      mount('tmpfs', disk, 'tmpfs', 0, 'size=1m')
    } catch {
      return t.skip('tmpfs cannot be mounted here')
    }
    try {
      const store = await createLayout(join(disk, 'content'))
      const writing = store.put(Buffer.alloc(2 << 20))
      await assert.rejects(writing, {
        code: 'resource-exhausted',
        message: /no space left on device/,
        hint: /slipway prune/,
      })
      assert.deepEqual(readdirSync(join(store.root, 'ingest')), [])
      await store.put(Buffer.from('still works'))
      mount('tmpfs', disk, 'tmpfs', mountFlag.remount | mountFlag.readonly, 'size=1m')
      await assert.rejects(store.put(Buffer.from('x')), { code: 'failed-precondition', hint: /--root/ })
      await assert.rejects(createLayout(join(disk, 'other')), {
        code: 'failed-precondition',
        message: /failed to create the content store/,
      })
      assert.equal(await store.size(digestOf('still works')), 11)
    } finally {
      unmount(disk)
    }
  })
})

it('a database that cannot grow any more names its file', {
  skip: process.getuid?.() !== 0 && 'needs root to mount a small disk',
}, t => {
  const disk = join(base, 'small')
  mkdirSync(disk)
  try {
    mount('tmpfs', disk, 'tmpfs', 0, 'size=1m')
  } catch {
    return t.skip('tmpfs cannot be mounted here')
  }
  try {
    using database = openDatabase(join(disk, 'slipway.db'))
    database.migrate('full', ['CREATE TABLE t (v TEXT)'])
    const fill = (): void => {
      for (let i = 0; i < 100; i++) database.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(64 * 1024))
    }
    const told = {
      code: 'resource-exhausted',
      message: `failed to write to ${join(disk, 'slipway.db')}: no space left on device`,
      hint: /slipway prune/,
    }
    assert.throws(fill, told)
    assert.throws(() => database.transaction(fill), told)
    assert.notEqual(database.prepare('SELECT count(*) AS n FROM t').get()?.['n'], 0)
  } finally {
    unmount(disk)
  }
})

describe('other programs', { skip: !has('skopeo') && 'skopeo is not installed' }, () => {
  it('read images from the store by their names', async () => {
    const store = await createLayout(join(base, 'layout'))
    const put = async (value: unknown): Promise<{ digest: ReturnType<typeof digestOf>; size: number }> =>
      await store.put(Buffer.from(JSON.stringify(value)))
    const tar = Buffer.alloc(1024)
    const layer = await store.put(gzipSync(tar))
    const config = await put({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    })
    const manifest = await put({
      schemaVersion: 2,
      mediaType: mediaType.ociManifest,
      config: { mediaType: mediaType.ociConfig, ...config },
      layers: [{ mediaType: mediaType.ociLayerGzip, ...layer }],
    })
    using database = openDatabase(join(base, 'names.db'))
    const images = openImageNames(database, store.root)
    images.set('docker.io/library/app:1.0', { mediaType: mediaType.ociManifest, ...manifest })
    images.set('localhost:5000/a/b@sha256:0', { mediaType: mediaType.ociManifest, ...manifest })
    const copy = join(base, 'copy')
    execFileSync('skopeo', [
      'copy',
      '-q',
      '--insecure-policy',
      `oci:${store.root}:docker.io/library/app:1.0`,
      `dir:${copy}`,
    ])
    assert.ok(readdirSync(copy).includes('manifest.json'))
  })
})
