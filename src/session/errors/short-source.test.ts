import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mostSource, shortSource } from './short-source.ts'

const at = (line: number) => [{ start: { line, character: 0 }, end: { line, character: 0 } }]

describe('the source of an error', () => {
  it('travels whole where it is small', () => {
    const data = Buffer.from('FROM a\nRUN b\n')
    assert.equal(shortSource({ data, ranges: at(1) }), data)
  })

  it('has only the lines around the fault where it is large, under their numbers', () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => `LABEL line${i + 1}=${i}`)
    const short = Buffer.from(shortSource({ data: Buffer.from(lines.join('\n')), ranges: at(20_000) }))
    const found = short.toString().split('\n')
    assert.equal(found.length, lines.length)
    assert.deepEqual(found.slice(19_990, 20_010), lines.slice(19_990, 20_010))
    assert.equal(found[100], '')
    assert.ok(short.length < mostSource)
  })

  it('has the beginning of a line that is too long, and nothing of far too many lines', () => {
    const long = Buffer.from(`FROM a\nLABEL b=${'x'.repeat(30_000_000)}\nRUN c\n`)
    assert.match(
      Buffer.from(shortSource({ data: long, ranges: at(2) })).toString(),
      /^FROM a\nLABEL b=x{16000,17000}\nRUN c\n$/,
    )
    assert.equal(shortSource({ data: Buffer.alloc(2_000_000, '\n'), ranges: at(2) }).length, 0)
  })
})
