import assert from 'node:assert/strict'
import { it } from 'node:test'
import { file } from '../../src/llb/file.ts'
import { scratch } from '../../src/llb/state.ts'
import { EngineBench } from '../support/engine-bench.ts'
import { lacks } from '../support/need.ts'

it('who asks for the steps of a build that is over is told of them, also where history has none', {
  skip: lacks({ root: true }),
}, async () => {
  await using bench = await EngineBench.open()
  const state = file(scratch, [{ kind: 'mkfile', path: '/a', mode: 0o644, data: Buffer.from('a') }])
  for (const Internal of [false, true]) {
    const Ref = `over-${Internal}`
    await bench.files(state, { Ref, Internal })
    const call = { signal: AbortSignal.timeout(3000), headers: new Headers(), responseHeaders: new Headers() }
    const names = new Set<string>()
    for await (const { vertexes = [] } of bench.local.engine.control.status({ Ref } as never, call))
      for (const { name = '' } of vertexes) names.add(name)
    assert.ok(names.has('mkfile /a'), [...names].join())
  }
})
