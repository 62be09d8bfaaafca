import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wrapError } from '../errors/slipway-error.ts'
import type { Ref } from '../snapshot/ref.ts'
import { errnoError } from '../sys/errno-error.ts'
import { LiveInputs } from './live-inputs.ts'

const filter = { includePatterns: [], excludePatterns: [], followPaths: [] }
const directory: Ref = { kind: 'local', path: '/home/me/app', filter }
const layers: Ref = { kind: 'stack', layers: [] }

/** What went away between listing and reading, as contentKey tells it. */
const gone = (): Error => wrapError('failed to calculate checksum', errnoError(2, 'open', '/f'))

test('A directory that is read in place has changed where its key is another one afterwards.', async () => {
  const live = new LiveInputs()
  let content = 'one'
  assert.equal(await live.key(0, directory, async () => content), 'one')
  assert.equal(await live.changed(), false)
  content = 'two'
  assert.equal(await live.changed(), true)
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
  assert.equal(await live.changed(), true)
})

test('Of a directory that has changed a copy is taken, and the key of the copy counts.', async () => {
  const live = new LiveInputs()
  const compute = async (ref: Ref): Promise<string> => (ref.kind === 'local' ? 'before' : 'copied')
  await live.key(2, directory, compute)
  assert.equal(live.taken(2), undefined)
  assert.deepEqual(await live.settle(async () => layers), new Map([[2, layers]]))
  assert.equal(live.taken(2), 'copied')
  assert.equal(await live.key(2, directory, compute), 'before')
  assert.equal(live.taken(2), undefined)
})

test('A directory is looked at again where a file went away while it was read, but not for ever.', async () => {
  const live = new LiveInputs()
  let reads = 0
  const settles = async (): Promise<string> => {
    if (++reads < 3) throw gone()
    return 'settled'
  }
  assert.equal(await live.key(0, directory, settles), 'settled')
  const never = async (): Promise<string> => {
    throw gone()
  }
  await assert.rejects(live.key(0, directory, never), {
    code: 'aborted',
    message: 'files in /home/me/app changed while this step was reading them',
  })
})

test('Layers do not change, so they are not read again.', async () => {
  const live = new LiveInputs()
  let reads = 0
  await live.key(0, layers, async () => `${reads++}`)
  assert.equal(await live.changed(), false)
  assert.equal(reads, 1)
})
