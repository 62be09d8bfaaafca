import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SolveStatus } from '../status/solve-status.ts'
import { VertexReporter } from './vertex-progress.ts'

const makeReporter = (): VertexReporter =>
  new VertexReporter({ digest: 'd', name: 'v', inputs: [], ignoreCache: false, body: undefined })

describe('progress of a vertex', () => {
  it('has ended in all its parts when the vertex has, well or not', async () => {
    for (const error of [undefined, 'it broke']) {
      const reporter = makeReporter()
      const seen: SolveStatus[] = []
      reporter.addListener(status => void seen.push(status))
      const end = reporter.start()
      reporter.status('transfer', { current: 5, total: 10 })
      await reporter.step('part', async () => undefined)
      await assert.rejects(reporter.step('failing', () => Promise.reject(new Error('x'))))
      end(error)
      const last = new Map(
        seen.flatMap(one => one.statuses ?? []).map(one => [one.id, one.completed !== undefined]),
      )
      assert.deepEqual(
        [...last],
        [
          ['transfer', true],
          ['part', true],
          ['failing', true],
        ],
      )
      assert.equal(seen.at(-1)?.vertexes?.[0]?.error, error)
    }
  })

  it('runs again for what comes later, and ends once, however many pieces of work there are', () => {
    const reporter = makeReporter()
    const seen: string[] = []
    reporter.addListener(({ vertexes = [] }) => {
      for (const { started, completed, error } of vertexes)
        seen.push(error ?? (completed !== undefined ? 'ended' : started !== undefined ? 'runs' : 'waits'))
    })
    reporter.start()()
    const ends = [reporter.start(), reporter.start()]
    for (const end of ends) end()
    const failing = [reporter.start(), reporter.start(), reporter.start()]
    failing[0]?.('it broke')
    failing[1]?.('it broke')
    failing[2]?.()
    assert.deepEqual(seen, ['waits', 'runs', 'ended', 'runs', 'ended', 'runs', 'it broke'])
    reporter.cached()
    reporter.resume()()
    assert.ok(reporter.isCached)
    reporter.start()()
    assert.ok(!reporter.isCached)
  })
})
