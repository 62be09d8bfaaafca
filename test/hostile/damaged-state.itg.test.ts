import assert from 'node:assert/strict'
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

describe('a state directory that somebody damaged', { skip: lacks({}) }, () => {
  it('by removing the files of layers: they are made again', async () => {
    await using scratch = await makeScratch()
    const { slipway, build } = await built(scratch)
    const snapshots = scratch.path('s', 'state', 'snapshots')
    for (const id of await readdir(snapshots))
      await rm(`${snapshots}/${id}/fs`, { recursive: true, force: true })
    const out = scratch.path('out')
    await build('-o', out)
    assert.equal(await readFile(`${out}/copied`, 'utf8'), 'content')
    assert.match(await build(), /^#\d+ CACHED$/m)
    await slipway.run('prune', '-af')
  })

  it('by writing into its database: one error that says what to do', async () => {
    await using scratch = await makeScratch()
    const { slipway } = await built(scratch)
    const path = scratch.path('s', 'state', 'slipway.db')
    await rm(`${path}-wal`, { force: true })
    const { size } = await stat(path)
    const file = await open(path, 'r+')
    // All pages but the first, which says that it is a database.
    await file.write(Buffer.alloc(size - 4096, 0xa5), 0, size - 4096, 4096)
    await file.close()
    const result = await slipway.try('build', scratch.path('c'))
    assertOneError(result, /database disk image is malformed/)
    assert.match(result.stderr, /^hint: .*state directory.*use another one \(--root/m)
  })
})

async function built(
  scratch: Scratch,
): Promise<{ slipway: SlipwayCommand; build: (...args: string[]) => Promise<string> }> {
  const slipway = await openSlipway({ dir: scratch.path('s') })
  const context = scratch.path('c')
  await mkdir(context)
  await writeFile(`${context}/Dockerfile`, 'FROM scratch AS a\nCOPY f /\nFROM a\nCOPY --from=a f /copied\n')
  await writeFile(`${context}/f`, 'content')
  const build = (...args: string[]): Promise<string> =>
    slipway.run('build', '--progress=plain', ...args, context)
  await build()
  return { slipway, build }
}
