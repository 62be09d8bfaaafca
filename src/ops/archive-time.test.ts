import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { DirectoryTree } from '../snapshot/directory-tree.ts'
import { encodeHeader, endOfArchive } from '../tar/encode-header.ts'
import { noXattrs, type TarType } from '../tar/entry.ts'
import { archiveTime } from './archive-time.ts'

let dir = ''
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'slipway-archive-time-'))
})
after(() => rm(dir, { recursive: true }))

const header = (type: TarType, seconds: bigint): Buffer =>
  encodeHeader({
    ...{ type, name: 'x', linkname: '', mode: 0o755, uid: 0, gid: 0, size: 0, xattrs: noXattrs },
    ...{ mtimeNs: seconds * 1_000_000_000n + 999_999_999n, devmajor: 0, devminor: 0 },
  })

async function timeOf(bytes: Uint8Array): Promise<number | undefined> {
  writeFileSync(join(dir, 'context'), bytes)
  using tree = new DirectoryTree(dir)
  return await archiveTime(tree, 'context', AbortSignal.timeout(10_000))
}

test('The time of an archive is that of its newest file, whatever its directories say.', async () => {
  const archive = Buffer.concat([
    header('file', 1_700_000_000n),
    header('file', 1_700_000_302n),
    header('directory', 1_800_000_000n),
    header('file', 5n),
    endOfArchive,
  ])
  assert.equal(await timeOf(archive), 1_700_000_302)
  assert.equal(await timeOf(gzipSync(archive)), 1_700_000_302)
})

test('What is no archive, or has no files in it, has no time.', async () => {
  assert.equal(await timeOf(Buffer.from('FROM scratch\n'.repeat(100))), undefined)
  assert.equal(await timeOf(Buffer.concat([header('directory', 1n), endOfArchive])), undefined)
})
