import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { it } from 'node:test'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeScratch } from '../support/scratch.ts'
import { openSlipway } from '../support/slipway.ts'

it('where there can be no result, the error names the destination, and nothing is lost', {
  skip: lacks({}),
}, async () => {
  await using scratch = await makeScratch()
  const slipway = await openSlipway({ dir: scratch.path('s') })
  const context = scratch.path('c')
  await mkdir(context)
  await writeFile(`${context}/Dockerfile`, 'FROM scratch\nCOPY Dockerfile /\n')
  const file = scratch.path('file')
  await writeFile(file, 'kept')
  await mkdir(scratch.path('folder'))
  const build = (type: string, dest: string) =>
    slipway.try('build', '-o', `"type=${type}","dest=${dest}"`, context)
  const below = `${file}/x`
  const refusals: readonly (readonly [type: string, dest: string, words: string])[] = [
    ['local', file, `destination directory ${file} is a file`],
    ['local', below, `invalid destination directory: ${below}: stat ${below}: not a directory`],
    ['oci', below, `invalid destination file: ${below}: stat ${below}: not a directory`],
    ['oci', scratch.path('folder'), `destination file ${scratch.path('folder')} is a directory`],
  ]
  for (const [type, dest, words] of refusals) {
    const result = await build(type, dest)
    assertOneError(result, /destination/)
    assert.ok(result.stderr.includes(`ERROR: failed to build: ${words}\n`), result.stderr)
  }
  assert.equal(await readFile(file, 'utf8'), 'kept')
  assert.deepEqual(await readdir(scratch.path('folder')), [])
  // A link to nothing yet is followed, and names may be odd.
  await symlink('made', scratch.path('link'))
  for (const dest of [scratch.path('link'), scratch.path('new\nline')]) {
    const { code, stderr } = await build('tar', dest)
    assert.equal(code, 0, stderr)
    assert.match((await readFile(dest)).toString('latin1'), /^Dockerfile/)
  }
  assert.equal(await readlink(scratch.path('link')), 'made')
})
