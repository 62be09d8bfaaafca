import assert from 'node:assert/strict'
import { mkdir, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

const needs = { root: true, programs: ['runc'], registry: true }

const damages: Readonly<Record<string, (path: string) => Promise<void>>> = {
  'has a bit flipped': async path => {
    await using file = await open(path, 'r+')
    const { size } = await file.stat()
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, size >> 1)
    await file.write(Buffer.of((byte[0] ?? 0) ^ 4), 0, 1, size >> 1)
  },
  'is cut short': async path => truncate(path, (await stat(path)).size >> 1),
  'is empty': path => truncate(path, 0),
  'has more at its end': path => writeFile(path, 'x', { flag: 'a' }),
}

const isDamaged = /content sha256:[0-9a-f]{64} is damaged on disk/

describe('a blob of the store that', { skip: lacks(needs) }, () => {
  it('is damaged is told by those who read it, and the next build makes it anew', async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const { slipway, context } = await built(scratch, [mirror.host])
    const blobs = await blobsOf(scratch)
    assert.ok(blobs.length >= 7, 'three layers, two configurations, two manifests')
    const kinds = Object.entries(damages)
    const out = scratch.path('o')
    for (const [i, path] of blobs.entries()) {
      const [what, damage] = kinds[i % kinds.length] ?? assert.fail()
      await rm(out, { force: true })
      await damage(path)
      const result =
        i % 3 === 0
          ? await slipway.try('build', '-o', `type=oci,dest=${out}`, context)
          : await slipway.try('image', 'save', '-o', out, '--format', i % 3 === 1 ? 'oci' : 'docker', 'n')
      // What the command does not need, or can have otherwise, is no reason to fail.
      if (result.code === 0) await assertWhole(out)
      else {
        assertOneError(result, isDamaged)
        assert.match(result.stderr, /^hint: .*run the command again/m, what)
        assert.equal(await exists(out), false, `half an archive was left: it ${what}`)
      }
      await slipway.run('build', '--provenance=false', '-t', 'n', context)
      await slipway.run('image', 'save', '-o', out, 'n')
      await assertWhole(out)
    }
  })

  it('is missing is made or fetched anew by the build, and told by commands that only read', async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const { slipway, context } = await built(scratch, [mirror.host])
    const out = scratch.path('out')
    for (const path of await blobsOf(scratch)) {
      await rm(path)
      const saved = await slipway.try('image', 'save', '-o', out, 'n')
      if (saved.code !== 0) assertOneError(saved, /content sha256:[0-9a-f]{64}: not found/)
      await slipway.run('build', '--provenance=false', '-t', 'n', context)
      await slipway.run('image', 'save', '-o', out, 'n')
      await assertWhole(out)
    }
  })

  it('has a bit flipped is told by `run` and by a step whose layers were removed', async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const { slipway, context } = await built(scratch, [mirror.host])
    const snapshots = scratch.path('s', 'state', 'snapshots')
    const before = await blobsOf(scratch)
    for (const id of await readdir(snapshots))
      await rm(`${snapshots}/${id}/fs`, { recursive: true, force: true })
    for (const path of before) await damages['has a bit flipped']?.(path)
    for (const args of [
      ['run', 'n', 'true'],
      ['build', '--no-cache', '--provenance=false', '-t', 'n', context],
    ]) {
      for (let turn = 0; ; turn++) {
        const result = await slipway.try(...args)
        if (result.code === 0) break
        assert.ok(turn < 8, result.stderr)
        if (args[0] === 'run' && turn > 0) break
        assertOneError(result, isDamaged)
      }
    }
    await slipway.run('run', 'n', 'true')
  })
})

async function built(
  scratch: Scratch,
  mirrors: readonly string[],
): Promise<{ slipway: SlipwayCommand; context: string }> {
  const slipway = await openSlipway({ dir: scratch.path('s'), mirrors })
  const context = scratch.path('c')
  await mkdir(context)
  await writeFile(`${context}/Dockerfile`, 'FROM alpine:3.12\nCOPY f /\nRUN echo made > /made\n')
  await writeFile(`${context}/f`, 'content')
  await slipway.run('build', '--provenance=false', '-t', 'n', context)
  return { slipway, context }
}

async function blobsOf(scratch: Scratch): Promise<readonly string[]> {
  const folder = scratch.path('s', 'state', 'content', 'blobs', 'sha256')
  return (await readdir(folder)).sort().map(name => `${folder}/${name}`)
}

const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** All blobs of an archive have the digests that they are named for. */
async function assertWhole(path: string): Promise<void> {
  const { createHash } = await import('node:crypto')
  const { readTar } = await import('../../src/tar/read-tar.ts')
  const bytes = await readFile(path)
  let seen = 0
  for await (const { entry, content } of readTar([bytes] as never)) {
    const hash = createHash('sha256')
    for await (const piece of content) hash.update(piece.bytes)
    const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(entry.name)?.[1]
    if (hex === undefined) continue
    seen += 1
    assert.equal(hash.digest('hex'), hex, `${path}: ${entry.name}`)
  }
  assert.ok(seen >= 4)
}
