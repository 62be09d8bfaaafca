import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limitLog, logLimits } from './log-limit.ts'

describe('output of steps', () => {
  const run = (env: Record<string, string>, chunks: readonly (readonly [ms: number, text: string])[]) => {
    let at = 0
    const shown: string[] = []
    const log = limitLog(
      chunk => shown.push(Buffer.from(chunk).toString()),
      logLimits(env, () => at),
    )
    for (const [ms, text] of chunks) {
      at = ms
      log.write(Buffer.from(text))
    }
    return { shown, log }
  }

  it('is cut where there is too much of it in a second, and goes on in the next', () => {
    const env = { BUILDKIT_STEP_LOG_MAX_SPEED: '4' }
    const { shown } = run(env, [
      [1, 'ab'],
      [2, 'cdef'],
      [3, 'gh'],
      [2500, 'ij'],
      [2600, 'klmn'],
    ])
    const note = '\n[output clipped, log limit 4B/s reached]\n'
    assert.deepEqual(shown, ['ab', `cd${note}`, 'ij', `kl${note}`])
  })

  it('is cut where there is too much of it in all; a failure shows the end of it', () => {
    const env = { BUILDKIT_STEP_LOG_MAX_SIZE: '2048', BUILDKIT_STEP_LOG_MAX_SPEED: '-1' }
    const { shown, log } = run(env, [
      [1, 'x'.repeat(2047)],
      [2, 'yz'],
      [9000, 'end'],
    ])
    assert.equal(shown.slice(1).join(), 'y\n[output clipped, log limit 2KiB reached]\n')
    log.flush()
    log.flush()
    assert.deepEqual(shown.slice(2), ['yzend'])
  })

  it('is whole unless something else is asked for', () => {
    const now = (): number => 0
    assert.deepEqual(logLimits({ BUILDKIT_STEP_LOG_MAX_SIZE: '1k' }, now), { size: -1, speed: -1, now })
    const { shown } = run({}, [[0, 'x'.repeat(5_000_000)]])
    assert.equal(shown.join().length, 5_000_000)
  })
})
