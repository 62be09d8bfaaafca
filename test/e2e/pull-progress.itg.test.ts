import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { it } from 'node:test'
import { lacks } from '../support/need.ts'
import { startMirror } from '../support/mirror.ts'
import { makeScratch } from '../support/scratch.ts'
import { openSlipway } from '../support/slipway.ts'

interface Event {
  readonly vertexes?: readonly {
    readonly digest: string
    readonly name: string
    readonly started?: string
    readonly completed?: string
  }[]
  readonly statuses?: readonly { readonly id: string; readonly vertex: string }[]
}

it('an image that is pulled for a later step is shown as being pulled, and ends when it is unpacked', {
  skip: lacks({ root: true, registry: true }),
}, async () => {
  await using scratch = await makeScratch()
  await using mirror = await startMirror(scratch.dir, ['alpine'])
  const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host] })
  await writeFile(scratch.path('Dockerfile'), 'FROM alpine\nCOPY Dockerfile /\n')
  const { stderr } = await slipway.try('build', '--progress=rawjson', scratch.dir)
  const running = new Map<string, boolean>()
  const names = new Map<string, string>()
  const shown: string[] = []
  for (const line of stderr.split('\n').filter(text => text.startsWith('{'))) {
    const { vertexes = [], statuses = [] } = JSON.parse(line) as Event
    for (const { digest, name, completed, started } of vertexes) {
      if (/COPY/.test(name) && started !== undefined)
        assert.ok(shown.includes('extracting sha256'), 'a step begins when what it works on is there')
      running.set(digest, completed === undefined)
      names.set(digest, name)
    }
    for (const { id, vertex } of statuses) {
      if (!/^(?:sha256:|extracting )/.test(id)) continue
      shown.push(id.replace(/sha256:\w+/, 'sha256'))
      assert.match(names.get(vertex) ?? '', /FROM .*alpine/)
      // The end of the last row and that of the step may come in one event.
      assert.ok(running.get(vertex) === true || vertexes.length > 0, `${id} after the end of the step`)
    }
  }
  assert.deepEqual([...new Set(shown)], ['sha256', 'extracting sha256'])
  assert.deepEqual([...running.values()].filter(Boolean), [])
})
