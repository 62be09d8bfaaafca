import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Vertex } from '../status/solve-status.ts'
import { StatusHub } from './status-hub.ts'

const vertex = (digest: string, inputs: readonly string[], more: Partial<Vertex> = {}): Vertex => ({
  digest,
  name: digest,
  inputs,
  ...more,
})

describe('the status stream of a build', () => {
  it('tells inputs that nobody looked at as cached when a step begins, and theirs', () => {
    const hub = new StatusHub()
    hub.write({ vertexes: [vertex('base', []), vertex('a', ['base']), vertex('b', ['a', 'other'])] })
    hub.write({ vertexes: [vertex('other', [], { started: 1 })] })
    hub.write({ vertexes: [vertex('b', ['a', 'other'], { started: 2 })] })
    hub.write({ vertexes: [vertex('b', ['a', 'other'], { started: 2, completed: 3 })] })
    const told = hub.messages.slice(2).flatMap(({ vertexes = [] }) => vertexes)
    assert.deepEqual(
      told.map(({ digest, cached, started, completed }) => [digest, cached, started, completed]),
      [
        ['base', true, 2, 2],
        ['a', true, 2, 2],
        ['b', undefined, 2, undefined],
        ['b', undefined, 2, 3],
      ],
    )
  })

  it('does so for chains of any length', () => {
    const hub = new StatusHub()
    const count = 50_000
    const chain = Array.from({ length: count }, (_, i) => vertex(`${i}`, i === 0 ? [] : [`${i - 1}`]))
    hub.write({ vertexes: chain })
    hub.write({ vertexes: [vertex('last', [`${count - 1}`], { started: 1, completed: 1, cached: true })] })
    const told = hub.messages[1]?.vertexes ?? []
    assert.deepEqual([told.length, told[0]?.digest, told.at(-1)?.digest], [count + 1, '0', 'last'])
  })
})
