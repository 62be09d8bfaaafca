import assert from 'node:assert/strict'
import { PassThrough, Readable, Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { bytesOf } from './byte-stream.ts'
import { collect, collectText } from './collect.ts'
import { countBytes } from './count.ts'
import { digestBytes } from './hash.ts'
import { limitBytes } from './limit.ts'
import { fromNode, toNode, writeTo } from './node-stream.ts'
import { tee } from './tee.ts'
import { verify } from './verify.ts'

const abc = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
const text = (source: AsyncIterable<Uint8Array>): Promise<string> => collectText(source, { limit: 1000 })

describe('verify', () => {
  it('passes what has the digest and the size', async () => {
    assert.equal(digestBytes('abc'), abc)
    assert.equal(await text(verify(bytesOf('a', 'bc'), { digest: abc, size: 3 })), 'abc')
    assert.equal(await text(verify(bytesOf('abc'), { digest: abc })), 'abc')
  })

  it('fails with data-loss on another digest, on too few and on too many bytes', async () => {
    const wrong = verify(bytesOf('abd'), { digest: abc, size: 3 })
    await assert.rejects(text(wrong), { code: 'data-loss', message: /^unexpected commit digest sha256:/ })
    const short = verify(bytesOf('ab'), { digest: abc, size: 3 })
    await assert.rejects(text(short), { code: 'data-loss', message: /unexpected commit size 2, expected 3/ })
    let read = 0
    const long = verify(
      countBytes(bytesOf('abc', 'd', 'e'), n => (read = n)),
      { digest: abc, size: 3 },
    )
    await assert.rejects(text(long), { code: 'data-loss', message: /at least 4, expected 3/ })
    assert.equal(read, 4)
  })

  it('uses the hasher it is given and refuses unknown algorithms', async () => {
    const fake = { update: () => {}, hex: () => 'cafe' }
    assert.equal(await text(verify(bytesOf('x'), { digest: 'toy:cafe' }, () => fake)), 'x')
    await assert.rejects(text(verify(bytesOf('x'), { digest: 'md5:00' })), { code: 'invalid-argument' })
  })
})

describe('limit, collect, count, tee', () => {
  it('throws resource-exhausted beyond the limit only', async () => {
    assert.equal(await text(limitBytes(bytesOf('abc'), 3)), 'abc')
    const long = collect(bytesOf('abc', 'd'), { limit: 3, what: 'manifest' })
    await assert.rejects(long, { code: 'resource-exhausted', message: 'manifest is larger than 3 bytes' })
  })

  it('collects nothing, one chunk and many chunks', async () => {
    assert.equal(await text(bytesOf()), '')
    assert.equal(await text(bytesOf('a')), 'a')
    assert.equal(await text(bytesOf('é', '\u{1f600}')), 'é\u{1f600}')
  })

  it('counts what has passed', async () => {
    const totals: number[] = []
    await text(countBytes(bytesOf('ab', 'c'), n => totals.push(n)))
    assert.deepEqual(totals, [2, 3])
  })

  it('gives every chunk to the sinks in order', async () => {
    const seen: string[] = []
    const sink = (name: string) => (chunk: Uint8Array) => void seen.push(name + chunk.length)
    assert.equal(await text(tee(bytesOf('ab', 'c'), sink('x'), sink('y'))), 'abc')
    assert.deepEqual(seen, ['x2', 'y2', 'x1', 'y1'])
  })
})

describe('node streams', () => {
  it('reads a stream and destroys it when the reader leaves', async () => {
    assert.equal(await text(fromNode(Readable.from(['ab', 'c']))), 'abc')
    const stream = new PassThrough()
    stream.write('a')
    for await (const _ of fromNode(stream)) break
    assert.equal(stream.destroyed, true)
  })

  it('ends the reading with canceled when the signal aborts', async () => {
    const controller = new AbortController()
    const stream = new PassThrough()
    const reading = text(fromNode(stream, controller.signal))
    controller.abort()
    await assert.rejects(reading, { code: 'canceled' })
    assert.equal(stream.destroyed, true)
  })

  it('writes into a stream and reports its failure', async () => {
    const out: string[] = []
    const good = new Writable({ write: (chunk, _, done) => (out.push(String(chunk)), done()) })
    await writeTo(bytesOf('ab', 'c'), good)
    assert.equal(out.join(''), 'abc')
    const bad = new Writable({ write: (_, __, done) => done(new Error('disk full')) })
    await assert.rejects(writeTo(bytesOf('ab'), bad), { message: 'disk full' })
    assert.equal(await text(fromNode(toNode(bytesOf('x', 'y')))), 'xy')
  })
})
