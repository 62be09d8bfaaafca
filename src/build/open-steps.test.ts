import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SolveStatus } from '../status/solve-status.ts'
import { openSteps } from './open-steps.ts'

describe('the steps of a daemon that goes away', () => {
  it('are ended as canceled, with the time that they ran on its clock', () => {
    const seen: SolveStatus[] = []
    let time = 1000
    const steps = openSteps(
      status => void seen.push(status),
      () => time,
    )
    const running = { digest: 'sha256:b', name: 'b', started: 90 }
    steps.write({ vertexes: [{ digest: 'sha256:a', name: 'a', started: 50 }, running] })
    steps.write({
      vertexes: [
        { digest: 'sha256:a', name: 'a', started: 50, completed: 60 },
        { digest: 'sha256:c', name: 'c' },
      ],
      statuses: [
        { id: 'old', vertex: 'sha256:a', current: 1, timestamp: 55, started: 51 },
        { id: 'done', vertex: 'sha256:b', current: 1, timestamp: 95, started: 91, completed: 95 },
        { id: 'half', vertex: 'sha256:b', current: 1, timestamp: 96, started: 92 },
      ],
    })
    assert.equal(seen.length, 2)
    time = 4000
    steps.cancel()
    assert.deepEqual(seen[2], {
      vertexes: [{ ...running, completed: 3090, error: 'context canceled' }],
      statuses: [{ id: 'half', vertex: 'sha256:b', current: 1, timestamp: 96, started: 92, completed: 3092 }],
    })
    steps.cancel()
    assert.equal(seen.length, 3)
  })

  it('need nothing where the daemon has told their end', () => {
    const seen: SolveStatus[] = []
    const steps = openSteps(
      status => void seen.push(status),
      () => 0,
    )
    steps.write({ vertexes: [{ digest: 'sha256:a', name: 'a', started: 1, completed: 2, error: 'boom' }] })
    steps.cancel()
    assert.equal(seen.length, 1)
  })
})
