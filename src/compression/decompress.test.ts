import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { constants, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { collect } from '../bytes/collect.ts'
import { mediaType } from '../oci/media-type.ts'
import { filterThrough } from '../sys/filter-process.ts'
import { compressionOf, detectCompression } from './compression-type.ts'
import { decompress } from './decompress.ts'
import { zstdFrames } from './zstd-frames.ts'

const content = Buffer.concat([Buffer.alloc(700_000, 'layer '), randomBytes(300_000)])

async function* inPieces(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step)
}

const all = async (bytes: Uint8Array, step = 60_000): Promise<Buffer> =>
  Buffer.from(await collect(decompress(inPieces(bytes, step), { filter: filterThrough }), { limit: 1 << 26 }))

describe('decompress', () => {
  it('knows gzip, zstd and plain bytes by their start', async () => {
    for (const pack of [gzipSync, zstdCompressSync, (b: Buffer) => b])
      assert.ok((await all(pack(content))).equals(content))
    assert.ok((await all(gzipSync(content.subarray(0, 2000)), 1)).equals(content.subarray(0, 2000)))
    assert.equal((await all(Buffer.from('ab'))).toString(), 'ab')
    assert.equal((await all(Buffer.alloc(0))).length, 0)
  })

  it('reads on through members and frames', async () => {
    const [a, b] = [content.subarray(0, 100), content.subarray(100, 5000)]
    for (const pack of [gzipSync, zstdCompressSync]) {
      assert.ok((await all(Buffer.concat([pack(a), pack(b)]), 50)).equals(content.subarray(0, 5000)))
    }
  })

  for (const program of ['xz', 'bzip2']) {
    it(`reads ${program} with the installed program`, async t => {
      let packed: Buffer
      try {
        packed = execFileSync(program, ['-c'], { input: content, maxBuffer: 1 << 26 })
      } catch {
        return t.skip(`${program} is not installed`)
      }
      assert.ok((await all(packed)).equals(content))
      await assert.rejects(all(packed.subarray(0, 200_000)), { code: 'data-loss' })
      const reader = decompress(inPieces(packed, 1000), { filter: filterThrough })
      for await (const _ of reader) break
      const controller = new AbortController()
      const aborted = collect(
        decompress(inPieces(packed, 1000), { filter: filterThrough, signal: controller.signal }),
        { limit: 1e9 },
      )
      controller.abort()
      await assert.rejects(aborted, { code: 'canceled' })
    })
  }

  it('fails with data-loss on cut and damaged streams', async () => {
    for (const pack of [gzipSync, zstdCompressSync]) {
      const packed = pack(content)
      await assert.rejects(all(packed.subarray(0, packed.length - 20)), { code: 'data-loss' })
    }
    // Frames of zstd carry no checksum here; the digest of the layer tells then.
    const damaged = gzipSync(content)
    damaged.fill(7, 200, 260)
    await assert.rejects(all(damaged), { code: 'data-loss' })
  })

  it('does not mind zeros behind the end', async () => {
    for (const step of [1000, 60_000, 1 << 20])
      assert.ok((await all(Buffer.concat([gzipSync(content), Buffer.alloc(200_000)]), step)).equals(content))
  })

  it('passes on the failure of its source', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield gzipSync(content).subarray(0, 1000)
      throw new Error('connection lost')
    }
    await assert.rejects(collect(decompress(broken()), { limit: 1 << 26 }), { message: 'connection lost' })
  })

  it('is canceled by the signal and releases the source when left early', async () => {
    let released = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield gzipSync(content)
      } finally {
        released = true
      }
    }
    for await (const _ of decompress(endless())) break
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(released, true)
    const controller = new AbortController()
    const reading = async (): Promise<void> => {
      for await (const _ of decompress(endless(), { signal: controller.signal })) controller.abort()
    }
    await assert.rejects(reading(), { code: 'canceled' })
  })
})

describe('zstdFrames', () => {
  it('cuts a stream where its frames end, and leaves skippable ones out', async () => {
    const skippable = Buffer.from('532a4d1803000000616263', 'hex')
    const checked = zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
    const parts = [
      zstdCompressSync(Buffer.alloc(0)),
      skippable,
      checked,
      zstdCompressSync(Buffer.alloc(200_000, 'r')),
      skippable,
    ]
    for (const step of [7, 1000, 1 << 20]) {
      const frames: Buffer[] = []
      for await (const frame of zstdFrames(inPieces(Buffer.concat(parts), step)))
        frames.push(Buffer.concat(await Array.fromAsync(frame)))
      assert.deepEqual(
        frames.map(f => f.length),
        [parts[0], parts[2], parts[3]].map(p => p?.length),
      )
      assert.ok(zstdDecompressSync(frames[1] as Buffer).equals(content))
    }
    const read = async (bytes: Buffer): Promise<void> => {
      for await (const frame of zstdFrames(inPieces(bytes, 100))) for await (const _ of frame) continue
    }
    await assert.rejects(read(checked.subarray(0, -1)), { code: 'data-loss' })
    await assert.rejects(read(Buffer.concat([checked, Buffer.from('junk')])), { code: 'data-loss' })
  })
})

describe('compression types', () => {
  it('stand behind media types and magic numbers', () => {
    assert.equal(compressionOf(mediaType.ociLayerZstd), 'zstd')
    assert.equal(compressionOf(mediaType.dockerLayerForeignGzip), 'gzip')
    assert.equal(compressionOf(mediaType.dockerLayer), 'uncompressed')
    assert.equal(compressionOf('text/plain'), undefined)
    assert.equal(detectCompression(Buffer.from('BZh91')), 'bzip2')
    assert.equal(detectCompression(Buffer.alloc(0)), 'uncompressed')
    assert.equal(detectCompression(Buffer.from('5f2a4d1804000000', 'hex')), 'zstd')
  })
})
