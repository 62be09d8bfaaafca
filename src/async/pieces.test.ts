import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { atOnce, inPieces, type Pieces } from './pieces.ts'

function* busy(ms: number, events: string[]): Pieces<string> {
  try {
    for (const until = performance.now() + ms; performance.now() < until; ) yield
    return 'done'
  } finally {
    events.push('closed')
  }
}

describe('long synchronous work', () => {
  it('lets others have their turn', async () => {
    const events: string[] = []
    const timer = setInterval(() => events.push('turn'), 1)
    try {
      assert.equal(await inPieces(busy(200, events)), 'done')
    } finally {
      clearInterval(timer)
    }
    assert.ok(events.includes('turn'))
    assert.equal(events.at(-1), 'closed')
  })

  it('ends when the signal aborts, and closes what it had open', async () => {
    const events: string[] = []
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 1)
    await assert.rejects(inPieces(busy(60_000, events), controller.signal), { code: 'canceled' })
    assert.deepEqual(events, ['closed'])
  })

  it('is done at once where nobody waits', () => {
    const events: string[] = []
    assert.equal(atOnce(busy(1, events)), 'done')
    assert.deepEqual(events, ['closed'])
  })
})
