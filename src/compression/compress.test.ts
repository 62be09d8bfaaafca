import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { digestOf } from '../oci/digest.ts'
import { type BlockFormat, compressBlocks } from './compress-blocks.ts'
import { compressLayer, type LayerCompression } from './compress-layer.ts'
import { decompress } from './decompress.ts'

/** Text that compresses, with stretches that do not; the same on every run. */
const content = Buffer.concat(
  Array.from({ length: 60 }, (_, i) => [
    Buffer.from(`line ${i} of a file that looks like a program\n`.repeat(1200)),
    Buffer.concat(Array.from({ length: 400 }, (_, j) => createHash('sha256').update(`${i} ${j}`).digest())),
  ]).flat(),
)

async function pack(
  compression: LayerCompression,
  options: { bytes?: Buffer; parallel?: number; step?: number } = {},
): Promise<Buffer> {
  const { bytes = content, parallel = 3, step = 70_000 } = options
  const out: Buffer[] = []
  const scratch = Buffer.alloc(step)
  function* source(): Generator<Uint8Array> {
    // The same memory again and again: the contract is that a chunk is used up when the next one is asked for.
    for (let at = 0; at < bytes.length; at += step)
      yield scratch.subarray(0, bytes.copy(scratch, 0, at, at + step))
  }
  const sink = { write: async (chunk: Uint8Array) => void out.push(Buffer.from(chunk)) }
  const { diffId } = await compressLayer(source(), compression, sink, { parallel })
  assert.equal(diffId, digestOf(bytes))
  return Buffer.concat(out)
}

async function unpack(packed: Buffer): Promise<Buffer> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield packed
  }
  return Buffer.concat(await Array.fromAsync(decompress(source())))
}

describe('compressLayer', () => {
  it('makes streams that others read', async () => {
    for (const level of [undefined, 0, 1, 9]) {
      const packed = await pack({ type: 'gzip', ...(level === undefined ? {} : { level }) })
      assert.ok(gunzipSync(packed).equals(content))
      assert.ok(execFileSync('gzip', ['-dc'], { input: packed, maxBuffer: 1 << 26 }).equals(content))
    }
    for (const level of [undefined, 1, 19]) {
      const packed = await pack({ type: 'zstd', ...(level === undefined ? {} : { level }) })
      assert.ok((await unpack(packed)).equals(content))
    }
    assert.ok((await pack({ type: 'uncompressed' })).equals(content))
  })

  it('gives the same bytes however many pieces are under way, and however the input comes', async () => {
    for (const type of ['gzip', 'zstd'] as const) {
      const one = await pack({ type }, { parallel: 1, step: 1_000_000 })
      assert.ok(one.equals(await pack({ type }, { parallel: 8, step: 4096 })))
    }
  })

  it('loses little against one stream', async () => {
    const packed = await pack({ type: 'gzip', level: 6 })
    assert.ok(packed.length < gzipSync(content, { level: 6 }).length * 1.01)
  })

  it('packs nothing and little', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('a')]) {
      assert.ok(gunzipSync(await pack({ type: 'gzip' }, { bytes })).equals(bytes))
      const zstd = await pack({ type: 'zstd' }, { bytes })
      const out = await Array.fromAsync(
        decompress(
          (async function* () {
            yield zstd
          })(),
        ),
      )
      assert.ok(Buffer.concat(out).equals(bytes))
    }
  })

  it('refuses levels that do not exist', async () => {
    for (const compression of [
      { type: 'gzip', level: 10 },
      { type: 'gzip', level: 1.5 },
    ] as const) {
      await assert.rejects(pack(compression), {
        code: 'invalid-argument',
        message: /invalid compression level/,
      })
    }
  })

  it('passes on failures of source and sink', async () => {
    function* broken(): Generator<Uint8Array> {
      yield randomBytes(2_000_000)
      throw new Error('source')
    }
    const options = { parallel: 2 }
    await assert.rejects(compressLayer(broken(), { type: 'gzip' }, { write: async () => {} }, options), {
      message: 'source',
    })
    const full = { write: () => Promise.reject(new Error('sink')) }
    await assert.rejects(compressLayer([content], { type: 'gzip' }, full, options), { message: 'sink' })
    const canceled = compressLayer(
      [content],
      { type: 'gzip' },
      { write: async () => {} },
      { ...options, signal: AbortSignal.abort() },
    )
    await assert.rejects(canceled, { code: 'canceled' })
  })
})

describe('compressBlocks', () => {
  it('holds no more pieces than it may, and gives each the bytes before it', async () => {
    let running = 0
    let most = 0
    const seen: string[] = []
    const format: BlockFormat = {
      blockSize: 4,
      dictionarySize: 3,
      header: Buffer.from('<'),
      compress: async (block, dictionary) => {
        most = Math.max(most, ++running)
        await new Promise(resolve => setImmediate(resolve))
        running--
        seen.push(`${dictionary.toString()}|${block.toString()}`)
        return Buffer.from(block)
      },
      trailer: (_, size) => Buffer.from(`>${size}`),
    }
    const out: string[] = []
    for await (const chunk of compressBlocks([Buffer.from('abcdefghijklmnopqr')], format, { parallel: 2 }))
      out.push(Buffer.from(chunk).toString())
    assert.equal(out.join(''), '<abcdefghijklmnopqr>18')
    assert.deepEqual(seen, ['|abcd', 'bcd|efgh', 'fgh|ijkl', 'jkl|mnop', 'nop|qr'])
    assert.ok(most <= 3)
  })
})
