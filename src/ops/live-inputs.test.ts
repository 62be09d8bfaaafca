import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ref } from '../snapshot/ref.ts'
import { LiveInputs } from './live-inputs.ts'

const filter = { includePatterns: [], excludePatterns: [], followPaths: [] }
const directory: Ref = { kind: 'local', path: '/home/me/app', filter }
const layers: Ref = { kind: 'stack', layers: [] }

test('A directory that is read in place must still have its key when the step is done.', async () => {
  const live = new LiveInputs()
  let content = 'one'
  assert.equal(await live.key(0, directory, async () => content), 'one')
  await live.verify()
  content = 'two'
  await assert.rejects(live.verify(), {
    code: 'aborted',
    message: 'files in /home/me/app changed while this step was reading them',
  })
})

test('A directory whose files went away has changed too.', async () => {
  const live = new LiveInputs()
  let there = true
  const compute = async (): Promise<string> => {
    if (!there) throw new Error('"/f": not found')
    return 'one'
  }
  await live.key(0, directory, compute)
  there = false
  await assert.rejects(live.verify(), { code: 'aborted' })
})

test('Layers do not change, so they are not read again.', async () => {
  const live = new LiveInputs()
  let reads = 0
  await live.key(0, layers, async () => `${reads++}`)
  await live.verify()
  assert.equal(reads, 1)
})
