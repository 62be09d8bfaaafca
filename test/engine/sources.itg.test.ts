import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { file } from '../../src/llb/file.ts'
import { local } from '../../src/llb/source.ts'
import { scratch } from '../../src/llb/state.ts'
import { StatSchema } from '../../src/proto/gen/fsutil_pb.ts'
import { fileSync } from '../../src/session/attachables/file-sync.ts'
import { EngineBench } from '../support/engine-bench.ts'
import { lacks } from '../support/need.ts'

describe('sources and file operations', { skip: lacks({ root: true }) }, () => {
  let bench: EngineBench
  before(async () => {
    bench = await EngineBench.open()
  })
  after(async () => await bench[Symbol.asyncDispose]())

  it('a copy of nothing at all is an empty tree, and has no files', async () => {
    const copy = (source: string) =>
      file(scratch, [{ kind: 'copy', from: scratch.output, source, destination: '/' }])
    assert.deepEqual(await bench.files(copy('/')), {})
    await assert.rejects(bench.files(copy('/foo')), { message: /\/foo: no such file or directory$/ })
  })

  it('of a directory only some files may be fetched, and of all others what they are', async () => {
    const path = bench.scratch.path('source')
    const write = (name: string): void => {
      mkdirSync(join(path, name, '..'), { recursive: true })
      writeFileSync(join(path, name), name)
    }
    for (const name of ['data', 'dir/file1', 'dir/file2', 'dir/sub/a1', 'dir/sub2/b', 'foo']) write(name)
    const state = local('source', { metadataOnly: ['dir/**/*1', 'foo'] })
    const fetched = async (): Promise<{ names: string[]; described: string[] }> => {
      const attachables = [fileSync({ source: { path } })]
      const { '.fsutil-metadata': metadata = '', ...files } = await bench.files(state, {}, attachables)
      const described: string[] = []
      for (let rest = Buffer.from(metadata, 'latin1'); rest.length > 0; ) {
        const end = 4 + rest.readUInt32LE()
        described.push(fromBinary(StatSchema, rest.subarray(4, end)).path)
        rest = rest.subarray(end)
      }
      return { names: Object.keys(files).sort(), described }
    }
    assert.deepEqual(await fetched(), {
      names: ['dir/', 'dir/file1', 'dir/sub/', 'dir/sub/a1', 'foo'],
      described: [
        'data',
        'dir',
        ...['dir/file1', 'dir/file2', 'dir/sub', 'dir/sub/a1', 'dir/sub2', 'dir/sub2/b'],
        'foo',
      ],
    })
    rmSync(join(path, 'dir/sub'), { recursive: true })
    const again = await fetched()
    assert.deepEqual(again.names, ['dir/', 'dir/file1', 'foo'])
    assert.equal(again.described.length, 7)
  })

  it('a symlink has the owner and the time that it is given', async () => {
    const owner = { user: { id: 1111 }, group: { id: 2222 } }
    const link = {
      kind: 'symlink',
      oldPath: 'bar',
      newPath: '/baz',
      owner,
      created: 42_000_000_000n,
    } as const
    const [header = ''] = await bench.archive(file(scratch, [link]))
    assert.equal(header.slice(108, 115), (1111).toString(8).padStart(7, '0'))
    assert.equal(header.slice(116, 123), (2222).toString(8).padStart(7, '0'))
    assert.equal(Number.parseInt(header.slice(136, 147), 8), 42)
  })
})
