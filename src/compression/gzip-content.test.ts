import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { isSlipwayError } from '../errors/slipway-error.ts'
import { gzipContent } from './gzip-content.ts'

describe('gzipContent', () => {
  const members = [randomBytes(70_000), Buffer.alloc(900_000, 'hello'), Buffer.from('tiny'), Buffer.alloc(0)]
  const whole = Buffer.concat(members)
  const packed = Buffer.concat(members.map(bytes => gzipSync(bytes)))

  for (const size of [97, 511, 65_536, 1e9]) {
    it(`reads members in a row, in pieces of ${size} bytes`, async () => {
      const { content, fault } = await read(packed, size)
      assert.ok(content.equals(whole))
      assert.equal(fault, undefined)
    })

    it(`hands out everything before what is no member, in pieces of ${size} bytes`, async () => {
      const { content, fault } = await read(Buffer.concat([packed, Buffer.alloc(300_000)]), size)
      assert.ok(content.equals(whole))
      assert.equal(fault, 'gzip: invalid header')
    })
  }

  it('hands out the content of a member whose trailer is wrong, or not all there', async () => {
    const good = gzipSync('tiny')
    const wrong = Buffer.from(good)
    wrong[wrong.length - 1] = 1
    for (const [bytes, words] of [
      [wrong, 'gzip: invalid checksum'],
      [good.subarray(0, -1), 'gzip: unexpected EOF'],
    ] as const) {
      const { content, fault } = await read(bytes, 4)
      assert.equal(String(content), 'tiny')
      assert.equal(fault, words)
    }
  })

  it('skips what headers may hold besides', async () => {
    const bytes = Buffer.from(gzipSync('tiny'))
    bytes[3] = 0x1e
    const extras = Buffer.from('\x04\0abcdname\0comment\0xx', 'latin1')
    const { content, fault } = await read(
      Buffer.concat([bytes.subarray(0, 10), extras, bytes.subarray(10)]),
      5,
    )
    assert.equal(String(content), 'tiny')
    assert.equal(fault, undefined)
  })
})

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(bytes: Buffer, size: number): Promise<{ content: Buffer; fault: string | undefined }> {
  const parts: Uint8Array[] = []
  let fault: string | undefined
  try {
    for await (const part of gzipContent(pieces(bytes, size))) parts.push(part)
  } catch (error) {
    assert.ok(isSlipwayError(error) && error.code === 'data-loss')
    fault = error.message
  }
  return { content: Buffer.concat(parts), fault }
}
