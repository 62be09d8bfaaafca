import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { StatusSchema } from '../../proto/gen/rpc-status_pb.ts'
import { StackSchema } from '../../proto/gen/stack_pb.ts'
import { stackText } from './stack-text.ts'
import { StepLines } from './step-lines.ts'

const frames = (...names: readonly string[]) =>
  names.map((Name, i) => ({ Name, File: `${Name}.go`, Line: i + 1 }))
const json = (stack: object) => ({
  typeUrl: 'github.com/moby/buildkit/stack.Stack+json',
  value: Buffer.from(JSON.stringify(stack)),
})
const textOf = (...details: { typeUrl: string; value: Uint8Array }[]): string =>
  stackText('it failed', create(StatusSchema, { details }))

describe('where a failure came from', () => {
  const daemon = { pid: 7, version: 'v1', cmdline: ['buildkitd', '--debug'] }

  it('is the message at least', () => {
    assert.equal(textOf(), 'it failed\n')
    assert.equal(
      textOf({ typeUrl: 'github.com/moby/buildkit/stack.Stack+json', value: Buffer.from('{') }),
      'it failed\n',
    )
  })

  it('is told process by process, in both forms of the wire', () => {
    const whole = 'it failed\n7 v1 buildkitd --debug\na\n\ta.go:1\nb\n\tb.go:2\n\n'
    const stack = { ...daemon, frames: frames('a', 'b') }
    assert.equal(textOf(json(stack)), whole)
    const value = toBinary(StackSchema, create(StackSchema, stack))
    assert.equal(textOf({ typeUrl: 'type.googleapis.com/stack.Stack', value }), whole)
  })

  it('shows what traces have in common once, in the longest', () => {
    const [a, b, c, d] = frames('a', 'b', 'c', 'd')
    const long = json({ ...daemon, frames: [a, b, c, d] })
    const shown = (text: string): string[] => [...text.matchAll(/^(\d+)|^(\w)$/gm)].map(([found]) => found)
    assert.deepEqual(shown(textOf(json({ ...daemon, frames: [c, d] }), long)), ['7', 'a', 'b', 'c', 'd'])
    const other = json({ ...daemon, pid: 8, frames: [c, d] })
    assert.deepEqual(shown(textOf(other, long)), ['7', 'a', 'b', 'c', 'd', '8', 'c'])
    const branch = json({ ...daemon, frames: [{ Name: 'x', File: 'x.go', Line: 1 }, c, d] })
    assert.deepEqual(shown(textOf(branch, long)), ['7', 'a', 'b', 'c', 'd', '7', 'x', 'c'])
  })
})

describe('lines of a failed step', () => {
  it('go on in their own stream, and are the last ones, without empty ones', () => {
    const last = (most: number): readonly string[] => {
      const lines = new StepLines(most)
      lines.add(1, Buffer.from('one\n\ntw'))
      lines.add(2, Buffer.from('err\n'))
      lines.add(1, Buffer.from('o \xc3', 'latin1'))
      lines.add(2, Buffer.from('more'))
      lines.add(1, Buffer.from('\xa4\nthree', 'latin1'))
      return lines.last()
    }
    assert.deepEqual(last(16), ['one', 'two ä', 'err', 'more', 'three'])
    assert.deepEqual(last(2), ['more', 'three'])
  })

  it('are cut where they have no end', () => {
    const lines = new StepLines(1)
    for (let i = 0; i < 5; i++) lines.add(1, Buffer.alloc(300 * 1024, 'x'))
    assert.deepEqual(
      lines.last().map(line => line.length),
      [1024 * 1024],
    )
  })
})
