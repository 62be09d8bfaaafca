import assert from 'node:assert/strict'
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { StatSchema } from '../../proto/gen/fsutil_pb.ts'
import { directoryTree } from './directory-tree.ts'
import { placeTree } from './place-tree.ts'

const temp = await mkdtemp(join(tmpdir(), 'slipway-place-'))
after(() => rm(temp, { recursive: true }))
const big = Buffer.alloc(300_000, 'big ')
const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

async function source(): Promise<string> {
  const dir = await mkdtemp(join(temp, 's'))
  await mkdir(join(dir, 'd'))
  await writeFile(join(dir, 'd/big'), big, { mode: 0o640 })
  await writeFile(join(dir, 'd/small'), 'small', { mode: 0o755 })
  await chmod(join(dir, 'd/small'), 0o4755)
  await link(join(dir, 'd/big'), join(dir, 'd/big-too'))
  await link(join(dir, 'd/small'), join(dir, 'd/small-too'))
  await symlink('d/small', join(dir, 'to'))
  await utimes(join(dir, 'd/small'), 1e9, 1e9)
  await utimes(join(dir, 'd'), 1.1e9, 1.1e9)
  return dir
}

describe('a tree of this process is placed', () => {
  it('with links, modes, times and files of any size', async () => {
    const dest = join(temp, 'new', 'dest')
    await placeTree(await directoryTree(await source()), { dest, mode: 'merge' })
    const at = (path: string): string => join(dest, path)
    assert.deepEqual(await readFile(at('d/big')), big)
    const [first, second] = await Promise.all([lstat(at('d/big')), lstat(at('d/big-too'))])
    assert.equal(first.ino, second.ino)
    assert.equal(first.mode & 0o7777, 0o640)
    const small = await lstat(at('d/small'))
    assert.equal(small.mode & 0o7777, 0o4755)
    assert.equal(small.nlink, 2)
    assert.equal(small.mtimeMs, 1e12)
    assert.equal((await lstat(at('d'))).mtimeMs, 1.1e12)
    assert.equal(await readFile(at('to'), 'utf8'), 'small')
  })

  it('over what is there, which is replaced and never written through', async () => {
    const outside = join(temp, 'outside')
    await writeFile(outside, 'outside')
    const dest = await mkdtemp(join(temp, 'd'))
    await mkdir(join(dest, 'd/small'), { recursive: true })
    await symlink(outside, join(dest, 'd/big'))
    await writeFile(join(dest, 'kept'), '')
    await placeTree(await directoryTree(await source()), {
      dest,
      mode: 'merge',
      map: stat => void Object.assign(stat, own),
    })
    assert.equal(await readFile(outside, 'utf8'), 'outside')
    assert.equal(await readFile(join(dest, 'd/small'), 'utf8'), 'small')
    assert.deepEqual((await readdir(dest)).sort(), ['d', 'kept', 'to'])
    await placeTree(await directoryTree(await source()), { dest, mode: 'mirror' })
    assert.deepEqual((await readdir(dest)).sort(), ['d', 'to'])
  })

  it('not outside of its directory, and not out of order: in the words of a receiver elsewhere', async () => {
    const dest = await mkdtemp(join(temp, 'd'))
    const place = (...paths: readonly string[]): Promise<void> => {
      const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
      const stats = paths.map(path => create(StatSchema, { path, mode: 0o644, ...owner }))
      const tree = {
        async *walk() {
          yield* stats
        },
        async *open() {},
      }
      return placeTree(tree, { dest, mode: 'merge' })
    }
    const refused = {
      'escape check ../x: invalid argument': ['../x'],
      'unclean path z/../q: invalid argument': ['z/../q'],
      'changes out of order: "nosuch/p" "a"': ['a', 'nosuch/p'],
    }
    for (const [words, paths] of Object.entries(refused))
      await assert.rejects(place(...paths), { message: `error from receiver: ${words}` })
    assert.deepEqual((await readdir(temp)).includes('x'), false)
  })

  it('until reading fails or the build is stopped', async () => {
    const tree = await directoryTree(await source())
    const broken = {
      walk: (signal?: AbortSignal) => tree.walk(signal),
      async *open() {
        yield Buffer.from('x')
        throw new Error('the disk is broken')
      },
    }
    const dest = await mkdtemp(join(temp, 'd'))
    await assert.rejects(placeTree(broken, { dest, mode: 'merge' }), { message: 'the disk is broken' })
    const signal = AbortSignal.abort()
    await assert.rejects(placeTree(tree, { dest, mode: 'merge', signal }), { code: 'canceled' })
  })
})
