import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { type Digest, digestOf } from '../oci/digest.ts'
import { mediaType } from '../oci/media-type.ts'
import { archive, cannotWriteLayers, membersOf } from './fixtures/layers.ts'
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
