import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { type Digest, digestOf } from '../oci/digest.ts'
import { mediaType } from '../oci/media-type.ts'
import { tryLock } from '../sys/file-lock.ts'
import { mount, unmount } from '../sys/mount.ts'
import { archive, cannotWriteLayers, membersOf } from './fixtures/layers.ts'
import { openDatabase } from '../content/database.ts'
import { prune } from '../content/prune.ts'
import { collectBlobs } from './collect.ts'
import { layerUsage } from './layer-usage.ts'
import { LayerTree } from './layer-tree.ts'
import { openState } from './open-state.ts'
import type { LayerId } from './snapshotter.ts'

const skip = cannotWriteLayers()
const base = mkdtempSync(join(tmpdir(), 'slipway-state-'))
after(() => rmSync(base, { recursive: true, force: true }))
let count = 0
const fresh = (): string => join(base, `state${count++}`)

function blob(
  bytes: Buffer,
  pack: (b: Buffer) => Buffer = b => gzipSync(b),
): { path: string; mediaType: string; diffId: Digest } {
  const path = join(base, `blob${count++}`)
  writeFileSync(path, pack(bytes))
  return { path, mediaType: mediaType.ociLayerGzip, diffId: digestOf(bytes) }
}

const small = archive({ name: 'etc/' }, { name: 'etc/hostname', content: 'box' })
const many = archive(
  ...Array.from({ length: 3000 }, (_, i) => ({ name: `d${i % 50}/f${i}`, content: `${i}`.repeat(500) })),
)

describe('unpacking into a state directory', { skip }, () => {
  it('makes a layer once, of gzip, zstd and plain blobs, found again by its chain ID', async () => {
    const root = fresh()
    await using state = await openState(root)
    const { snapshotter } = state
    const packs: readonly ((b: Buffer) => Buffer)[] = [b => gzipSync(b), b => zstdCompressSync(b), b => b]
    for (const [i, pack] of packs.entries()) {
      const chainId = digestOf(`chain ${i}`)
      const source = blob(small, pack)
      const [a, b] = await Promise.all([
        snapshotter.unpack(source, [], chainId),
        snapshotter.unpack(source, [], chainId),
      ])
      assert.equal(a?.id, b?.id)
      assert.deepEqual([a?.chainId, a?.diffId, a?.size], [chainId, source.diffId, 3])
      assert.equal((await snapshotter.findByChainId(chainId))?.id, a?.id)
      using tree = new LayerTree([snapshotter.directory(a?.id as LayerId)])
      assert.deepEqual(tree.readdir('/etc'), ['hostname'])
    }
    assert.equal((await snapshotter.list()).length, 3)
    assert.equal(await snapshotter.findByChainId(digestOf('other')), undefined)
    await assert.rejects(snapshotter.get('999'), { code: 'not-found' })
  })

  it('leaves nothing of a blob that is broken, cut or another', async () => {
    const root = fresh()
    await using state = await openState(root)
    const whole = gzipSync(small)
    const cases = [
      blob(small, () => whole.subarray(0, whole.length - 30)),
      blob(small, () => gzipSync(many)),
      blob(Buffer.from('not a tar'.repeat(100))),
    ]
    for (const source of cases) {
      await assert.rejects(state.snapshotter.unpack(source, [], source.diffId), { code: 'data-loss' })
    }
    await assert.rejects(
      state.snapshotter.unpack({ ...cases[0]!, path: '/no/such/blob' }, [], cases[0]!.diffId),
      { code: 'not-found' },
    )
    assert.deepEqual(readdirSync(join(root, 'snapshots')), [])
    assert.deepEqual(await state.snapshotter.list(), [])
  })

  it('stops when the signal aborts', async () => {
    const root = fresh()
    await using state = await openState(root)
    const controller = new AbortController()
    const source = blob(many)
    const unpacking = state.snapshotter.unpack(source, [], source.diffId, controller.signal)
    setTimeout(() => controller.abort(), 60)
    await assert.rejects(unpacking, { code: 'canceled' })
    const layer = await state.snapshotter.unpack(source, [], source.diffId)
    assert.deepEqual(readdirSync(join(root, 'snapshots')), [layer.id])
  })

  it('survives processes that are killed in the middle, and others that do the same work', async () => {
    const root = fresh()
    const source = blob(many)
    const program = fileURLToPath(new URL('./fixtures/unpack-forever.ts', import.meta.url))
    const start = (): { child: ReturnType<typeof spawn>; lines: () => string; gone: Promise<unknown> } => {
      const child = spawn(process.execPath, [program, root, source.path, source.diffId], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let text = ''
      child.stdout?.on('data', chunk => (text += String(chunk)))
      return { child, lines: () => text, gone: new Promise(resolve => child.once('close', resolve)) }
    }
    for (const delay of [0, 20, 60]) {
      const { child, gone } = start()
      await new Promise(resolve => child.stdout?.once('data', resolve))
      await new Promise(resolve => setTimeout(resolve, delay))
      child.kill('SIGKILL')
      await gone
    }
    const both = [start(), start()]
    await Promise.all(both.map(one => one.gone))
    const ids = both.map(one => /layer (\d+)/.exec(one.lines())?.[1])
    assert.ok(ids[0] !== undefined)
    assert.equal(ids[0], ids[1])
    await using state = await openState(root)
    assert.deepEqual(readdirSync(join(root, 'snapshots')), [ids[0]])
    using tree = new LayerTree([state.snapshotter.directory(ids[0])])
    assert.equal(tree.readdir('/').length, 50)
  })
})

describe('active layers', { skip }, () => {
  it('are sealed by a commit and removed without one', async () => {
    const root = fresh()
    await using state = await openState(root, { now: () => 42 })
    const { snapshotter } = state
    {
      await using dropped = await snapshotter.prepare([])
      writeFileSync(join(dropped.upper, 'x'), 'x')
      assert.ok(existsSync(dropped.work))
    }
    assert.deepEqual(readdirSync(join(root, 'snapshots')), [])
    await using active = await snapshotter.prepare([], { description: 'RUN x' })
    mkdirSync(join(active.upper, 'd'))
    const layer = await active.commit()
    assert.deepEqual([layer.description, layer.createdMs], ['RUN x', 42])
    assert.deepEqual(readdirSync(join(root, 'snapshots', layer.id)), ['fs'])
    await assert.rejects(active.commit(), { code: 'internal' })
    await using above = await snapshotter.prepare([layer.id])
    assert.deepEqual(above.parents, [layer.id])
    await assert.rejects(snapshotter.prepare(['777']), { code: 'not-found' })
    await snapshotter.remove(layer.id)
    await assert.rejects(snapshotter.get(layer.id), { code: 'not-found' })
  })
})

describe('packing a layer of a state directory', { skip }, () => {
  it('makes the same blob each time, and remembers it', async () => {
    await using state = await openState(fresh())
    const { snapshotter, packer, content } = state
    await using active = await snapshotter.prepare([])
    for (let i = 0; i < 300; i++) writeFileSync(join(active.upper, `f${i}`), `${i}`.repeat(5000))
    const { id } = await active.commit()
    const [first, same] = await Promise.all([
      packer.pack(id, { type: 'gzip' }),
      packer.pack(id, { type: 'gzip' }),
    ])
    assert.deepEqual(first, same)
    const { descriptor, diffId } = first!
    const tar = gunzipSync(readFileSync(content.path(descriptor.digest)))
    assert.equal(digestOf(tar), diffId)
    assert.equal(await content.size(descriptor.digest), descriptor.size)
    assert.equal(membersOf(tar).length, 300)
    assert.equal(descriptor.mediaType, mediaType.ociLayerGzip)
    assert.deepEqual(await snapshotter.blobs(id), [first])
    assert.equal((await snapshotter.get(id)).diffId, diffId)
    const zstd = await packer.pack(id, { type: 'zstd', level: 1 })
    assert.equal(zstd.diffId, diffId)
    assert.ok(zstdDecompressSync(await content.readAll(zstd.descriptor.digest)).equals(tar))
    const plain = await packer.pack(id, { type: 'uncompressed' })
    assert.equal(plain.descriptor.digest, diffId)
    assert.deepEqual((await snapshotter.blobs(id)).length, 2)
    await assert.rejects(packer.pack(id, { type: 'gzip', level: 10 }), { code: 'invalid-argument' })
    await assert.rejects(packer.pack('999', { type: 'gzip' }), { code: 'not-found' })
  })

  it('packs eStargz, which is gzip with a table of contents that tells where files are', async () => {
    await using state = await openState(fresh())
    const { packer, snapshotter, content } = state
    await using active = await snapshotter.prepare([])
    mkdirSync(join(active.upper, 'd'))
    writeFileSync(join(active.upper, 'd/big'), Buffer.alloc(9 << 20, 'big '))
    writeFileSync(join(active.upper, 'd/none'), '')
    writeFileSync(join(active.upper, 'small'), 'small <&>')
    symlinkSync('small', join(active.upper, 'link'))
    const { id } = await active.commit()
    const plain = await packer.pack(id, { type: 'uncompressed' })
    const { descriptor, diffId } = await packer.pack(id, { type: 'estargz' })
    const blob = Buffer.from(await content.readAll(descriptor.digest))
    const whole = gunzipSync(blob)
    assert.equal(digestOf(whole), diffId)
    assert.ok(
      whole
        .subarray(0, -5000)
        .equals(
          Buffer.from(await content.readAll(plain.descriptor.digest, 1 << 24)).subarray(
            0,
            whole.length - 5000,
          ),
        ),
    )
    assert.equal(descriptor.mediaType, mediaType.ociLayerGzip)
    assert.equal(descriptor.annotations?.['io.containers.estargz.uncompressed-size'], String(whole.length))
    const field = /([0-9a-f]{16})STARGZ/.exec(blob.subarray(-51).toString('latin1'))
    const [toc] = membersOf(gunzipSync(blob.subarray(Number.parseInt(field?.[1] ?? '', 16), -51)))
    assert.equal(toc?.name, 'stargz.index.json')
    assert.equal(digestOf(toc.content), descriptor.annotations['containerd.io/snapshot/stargz/toc.digest'])
    const { version, entries } = JSON.parse(toc.content.toString()) as {
      version: number
      entries: {
        name: string
        type: string
        offset: number
        size?: number
        chunkOffset?: number
        chunkSize?: number
        chunkDigest: string
        digest?: string
      }[]
    }
    assert.equal(version, 1)
    assert.deepEqual(
      entries.map(e => [e.name, e.type, e.chunkOffset, e.chunkSize]),
      [
        ['d/', 'dir', undefined, undefined],
        ['d/big', 'reg', undefined, 4 << 20],
        ['d/big', 'chunk', 4 << 20, 4 << 20],
        ['d/big', 'chunk', 8 << 20, undefined],
        ['d/none', 'reg', undefined, undefined],
        ['link', 'symlink', undefined, undefined],
        ['small', 'reg', undefined, undefined],
      ],
    )
    for (const entry of entries.filter(e => e.chunkDigest !== undefined)) {
      const next = entries.find(e => e.offset > entry.offset)?.offset ?? Number.parseInt(field?.[1] ?? '', 16)
      const member = gunzipSync(blob.subarray(entry.offset, next))
      const length = entry.chunkSize ?? (entry.name === 'small' ? 9 : 1 << 20)
      assert.equal(digestOf(member.subarray(0, length)), entry.chunkDigest)
    }
    assert.deepEqual(
      (await snapshotter.blobs(id)).map(b => b.descriptor.digest),
      [plain.descriptor.digest],
    )
    assert.deepEqual(await packer.pack(id, { type: 'estargz' }), { descriptor, diffId })
  })

  it('sets times back, of layers and of blobs', async () => {
    await using state = await openState(fresh())
    const { packer, snapshotter, content } = state
    await using active = await snapshotter.prepare([])
    writeFileSync(join(active.upper, 'f'), 'x'.repeat(700))
    const { id } = await active.commit()
    const later = await packer.pack(id, { type: 'uncompressed' })
    const blobs = [
      await packer.pack(id, { type: 'gzip', epochSeconds: 77 }),
      await packer.repack(later, { type: 'gzip', epochSeconds: 77 }),
    ]
    assert.deepEqual(blobs[0], blobs[1])
    const [member] = membersOf(gunzipSync(await content.readAll(blobs[0]!.descriptor.digest)))
    assert.equal(member?.mtimeNs, 77_000_000_000n)
    assert.deepEqual(blobs[0]?.descriptor.annotations, { 'buildkit/rewritten-timestamp': '77' })
    assert.equal((await packer.repack(later, { type: 'zstd' })).diffId, later.diffId)
  })
})

describe('after the machine went down', { skip }, () => {
  it('layers that are not whole any more are gone, whole ones stay', async () => {
    const root = fresh()
    const ids: string[] = []
    {
      await using state = await openState(root)
      for (const name of ['whole', 'cut', 'unknown']) {
        if (name !== 'unknown') {
          const source = blob(archive({ name: 'f', content: name.repeat(1000) }))
          ids.push((await state.snapshotter.unpack(source, [], source.diffId)).id)
          continue
        }
        await using active = await state.snapshotter.prepare([])
        ids.push((await active.commit()).id)
      }
      truncateSync(join(state.snapshotter.directory(ids[1] as string), 'f'), 0)
      state.database.prepare("UPDATE layers SET boot_id = 'another'").run()
    }
    for (let i = 0; i < 2; i++) {
      await using state = await openState(root)
      assert.deepEqual(
        (await state.snapshotter.list()).map(layer => layer.id),
        [ids[0]],
      )
      assert.deepEqual(readdirSync(join(root, 'snapshots')), [ids[0]])
    }
  })
})

describe('collecting', { skip }, () => {
  const aged = { now: Date.now() + 3_600_000 }

  it('does not show a layer that was removed while others were measured', async () => {
    await using state = await openState(fresh())
    await using active = await state.snapshotter.prepare([], { description: 'x' })
    const { id } = await active.commit()
    const { layers } = state
    const listed = layers.list()
    const gone = listed.map(({ size: _size, ...layer }) => ({ ...layer, id: '999' }))
    const list = () => [...gone, ...listed]
    const records = await layerUsage({ ...state, layers: { ...layers, list } }).records()
    assert.deepEqual(
      records.map(record => record.id),
      [id],
    )
  })

  it('removes layers that nobody holds, from the top, and then the blobs that only they needed', async () => {
    await using state = await openState(fresh())
    const { snapshotter, packer, content, leases, images } = state
    const usage = layerUsage(state)
    const make = async (parents: readonly string[], text: string): Promise<string> => {
      await using active = await snapshotter.prepare(parents, {
        description: text,
        recordType: text === 'local' ? 'source.local' : 'regular',
      })
      writeFileSync(join(active.upper, 'f'), text.repeat(10_000))
      return (await active.commit()).id
    }
    const base = await make([], 'base')
    const top = await make([base], 'top')
    const local = await make([], 'local')
    const blob = await packer.pack(top, { type: 'gzip' })
    const loose = await content.put(Buffer.from('loose'))
    const config = await content.put(Buffer.from('{}'))
    const manifest = await content.put(
      Buffer.from(JSON.stringify({ config: { digest: config.digest }, layers: [] })),
    )
    images.set('app:1', { mediaType: mediaType.ociManifest, ...manifest })
    const lease = leases.open()
    lease.hold('layer', local)
    const records = await usage.records()
    assert.deepEqual(
      records.map(r => [r.id, r.description, r.type, r.inUse, r.parents.length, r.size >= 4096]),
      [
        [base, 'base', 'regular', false, 0, true],
        [top, 'top', 'regular', false, 1, true],
        [local, 'local', 'source.local', true, 0, true],
      ],
    )
    assert.equal(await usage.remove(base), false)
    await collectBlobs(state, { blobs: [] }, aged)
    assert.equal(await content.size(loose.digest), undefined)
    assert.ok((await content.size(blob.descriptor.digest)) !== undefined)
    const gone = await Array.fromAsync(
      prune(usage, [{ all: true }], { disk: { total: 1, free: 1 }, now: Date.now() }),
    )
    assert.deepEqual(
      gone.map(r => r.id),
      [top, base],
    )
    assert.deepEqual(
      (await snapshotter.list()).map(l => l.id),
      [local],
    )
    const collected = await collectBlobs(state, { blobs: [] }, aged)
    assert.equal(collected.blobs, 1)
    assert.equal(await content.size(config.digest), 2)
    assert.equal(await usage.remove(local), false)
    lease[Symbol.dispose]()
    assert.equal(await usage.remove(local), true)
    assert.deepEqual(readdirSync(join(state.root, 'snapshots')), [])
  })

  it('takes merged stacks apart: a layer that was made on several is the first to go', async () => {
    await using state = await openState(fresh())
    const make = async (...parents: string[]): Promise<string> => {
      await using active = await state.snapshotter.prepare(parents, { description: 'x' })
      return (await active.commit()).id
    }
    const a = await make()
    const b = await make()
    const c = await make(b)
    const merged = await make(a, b, c)
    const above = await make(a, b, c, merged, b)
    const usage = layerUsage(state)
    assert.deepEqual(
      (await usage.records()).map(({ id, parents }) => [id, parents]),
      [
        [a, []],
        [b, []],
        [c, [b]],
        [merged, [a, c]],
        [above, [merged, b]],
      ],
    )
    const gone = prune(usage, [{ all: true }], { disk: { total: 1, free: 1 }, now: Date.now() })
    assert.equal((await Array.fromAsync(gone)).length, 5)
  })

  it('spares what is young, held or named as a root, and sweeps what was left half removed', async () => {
    await using state = await openState(fresh())
    const { content, leases } = state
    const [young, held, root] = [
      await content.put(Buffer.from('young')),
      await content.put(Buffer.from('held')),
      await content.put(Buffer.from('root')),
    ]
    using lease = leases.open()
    lease.hold('blob', held.digest)
    mkdirSync(join(state.root, 'snapshots', '77', 'fs'), { recursive: true })
    mkdirSync(join(state.root, 'snapshots', '78.removing', 'fs'), { recursive: true })
    const lockOf = (name: string): string => join(state.root, 'locks', `unpack-${name}`)
    for (const name of ['old', 'taken', 'new']) writeFileSync(lockOf(name), '')
    for (const name of ['old', 'taken']) utimesSync(lockOf(name), 1, 1)
    using _taken = tryLock(lockOf('taken'))
    assert.deepEqual(await collectBlobs(state, { blobs: [root] }, { now: Date.now() }), {
      blobs: 0,
      bytes: 0,
    })
    assert.deepEqual(await collectBlobs(state, { blobs: [root] }, aged), { blobs: 1, bytes: 5 })
    assert.equal(await content.size(young.digest), undefined)
    assert.deepEqual(readdirSync(join(state.root, 'snapshots')), [])
    const locks = readdirSync(join(state.root, 'locks')).filter(name => name.startsWith('unpack-'))
    assert.deepEqual(locks.sort(), ['unpack-new', 'unpack-taken'])
  })
})

describe('a state directory on an overlay, as in a container', { skip }, () => {
  it('keeps layers all the same, and gives containers copies of them', async t => {
    const disk = join(base, `disk${count++}`)
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(disk, name), { recursive: true })
    const merged = join(disk, 'merged')
    try {
      mount(
        'overlay',
        merged,
        'overlay',
        0,
        ['lower', 'upper', 'work'].map(n => `${n}dir=${join(disk, n)}`).join(','),
      )
    } catch {
      return t.skip('overlayfs cannot be mounted here')
    }
    try {
      await using state = await openState(join(merged, 'state'))
      const { snapshotter, packer, content } = state
      assert.equal(snapshotter.kind, 'native')
      const unpack = async (parents: LayerId[], bytes: Buffer): Promise<LayerId> => {
        const source = blob(bytes)
        return (await snapshotter.unpack(source, parents, source.diffId)).id
      }
      const lower = await unpack(
        [],
        archive(
          { name: 'd/', mode: 0o750, uid: 3 },
          { name: 'd/gone' },
          { name: 'd/kept', content: 'kept', mode: 0o4755 },
          { name: 'o/x' },
          { name: 'h', type: 'hardlink', linkname: 'd/kept', mode: 0o4755 },
          { name: 's', type: 'symlink', linkname: 'd' },
        ),
      )
      const upper = await unpack(
        [lower],
        archive({ name: 'd/.wh.gone' }, { name: 'o/.wh..wh..opq' }, { name: 'o/y', content: 'y' }),
      )
      const root = join(disk, 'root')
      mkdirSync(root)
      await snapshotter.checkout([lower, upper], root)
      assert.deepEqual(readdirSync(join(root, 'o')), ['y'])
      assert.deepEqual(readdirSync(join(root, 'd')), ['kept'])
      assert.equal(lstatSync(join(root, 'd/kept')).ino, lstatSync(join(root, 'h')).ino)
      assert.equal(lstatSync(join(root, 'd')).mode & 0o7777, 0o750)
      writeFileSync(join(root, 'd/new'), 'new')
      rmSync(join(root, 'o'), { recursive: true })
      rmSync(join(root, 's'))
      mkdirSync(join(root, 's'))
      writeFileSync(join(root, 's/in'), '')
      await using active = await snapshotter.prepare([lower, upper])
      await snapshotter.capture(active, root)
      const { id } = await active.commit()
      const { descriptor } = await packer.pack(id, { type: 'uncompressed' })
      const members = membersOf(await content.readAll(descriptor.digest))
      assert.deepEqual(
        members.map(m => m.name),
        ['d/', 'd/new', '.wh.o', 's/', 's/in'],
      )
      using tree = new LayerTree([lower, upper, id].map(one => snapshotter.directory(one)))
      assert.deepEqual(tree.readdir('/'), ['d', 'h', 's'])
    } finally {
      unmount(merged, { detach: true })
    }
  })
})

describe('a state directory', { skip }, () => {
  it('whose database was lost is used again, whatever layers lie about', async () => {
    const root = fresh()
    const chainId = digestOf('chain')
    for (const _ of [1, 2]) {
      await using state = await openState(root)
      const { id } = await state.snapshotter.unpack(blob(small), [], chainId)
      using tree = new LayerTree([state.snapshotter.directory(id)])
      assert.deepEqual(tree.readdir('/'), ['etc'])
      rmSync(join(root, 'slipway.db'))
    }
  })

  it('of root is not shared with ordinary users', async () => {
    const root = fresh()
    await (await openState(root))[Symbol.asyncDispose]()
    {
      using database = openDatabase(join(root, 'slipway.db'))
      database.prepare('UPDATE maker SET rootless = 1 - rootless').run()
    }
    await assert.rejects(openState(root), {
      code: 'failed-precondition',
      message: new RegExp(`^the state directory ${root} was made by (?:root|an ordinary user)$`),
    })
  })

  it('that cannot be made is told with what to do', async () => {
    const root = fresh()
    writeFileSync(root, '')
    await assert.rejects(openState(root), {
      message: /^failed to create the state directory/,
      hint: /SLIPWAY_ROOT/,
    })
  })
})
