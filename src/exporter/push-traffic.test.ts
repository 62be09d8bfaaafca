import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ExportProgress } from './export-context.ts'
import { PushTraffic } from './push-traffic.ts'

const mib = 1 << 20

/** Pushes one blob, a mebibyte every so many ms, and answers what was shown. */
async function push(count: number, ms: number, again = 0): Promise<string[]> {
  const shown: string[] = []
  let time = 0
  const progress: ExportProgress = {
    status: (id, { current, total }) =>
      void shown.push(`${id} ${(current ?? 0) / mib}/${(total ?? 0) / mib}`),
    step: (_, work) => work(),
    log: () => undefined,
  }
  const traffic = new PushTraffic(progress, 'pushing layers', () => time)
  const content = async function* (from: number): AsyncGenerator<Uint8Array> {
    for (let i = from; i < count; i++) {
      time += ms
      yield Buffer.alloc(mib)
    }
  }
  traffic.add(count * mib)
  if (again > 0) for await (const _ of traffic.counted('a', 0, content(count - again)));
  for await (const _ of traffic.counted('a', 0, content(0)));
  traffic.end()
  return shown
}

describe('a push', () => {
  it('shows no figures where it is done in a moment, or has little to send', async () => {
    assert.deepEqual(await push(100, 9), [])
    assert.deepEqual(await push(3, 5000), [])
  })

  it('shows what has been sent where it takes longer, and at its end', async () => {
    assert.deepEqual(await push(5, 500), [
      'pushing layers 2/5',
      'pushing layers 3/5',
      'pushing layers 4/5',
      'pushing layers 5/5',
      'pushing layers 5/5',
    ])
    assert.equal((await push(100, 50)).length, 22)
  })

  it('counts once what is sent twice', async () => {
    assert.equal((await push(5, 500, 3)).at(-1), 'pushing layers 5/5')
  })
})
