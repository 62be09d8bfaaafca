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
})
