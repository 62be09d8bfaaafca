import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileSync } from '../../session/attachables/file-sync.ts'
import { inMemorySession } from '../../session/in-memory-session.ts'
import { openState } from '../../snapshot/open-state.ts'
import type { SourceContext } from '../source-context.ts'
import { createDiskLocalCopies } from './disk-local-copies.ts'

const skip = process.getuid?.() === 0 ? false : 'only root makes layers of hard links to files of others'
const root = mkdtempSync(join(tmpdir(), 'slipway-copies-'))
after(() => rmSync(root, { recursive: true }))

const ctx: SourceContext = {
  signal: AbortSignal.timeout(60_000),
  sessions: () => [],
  progress: {
    resume: () => () => {},
    status: () => {},
    step: async (_, work) => await work(),
    log: () => {},
    warn: () => {},
  },
}

/** A directory with one file whose time somebody has set. */
function directory(name: string, content: string): string {
  const path = join(root, name)
  mkdirSync(path)
  writeFileSync(join(path, 'f'), content)
  utimesSync(join(path, 'f'), 1_700_000_000, 1_700_000_000)
  return path
}

describe('copies of directories of clients', { skip }, () => {
  it('serve builds that want other parts of a directory', async () => {
    await using state = await openState(join(root, 'parts'))
    const transferred: number[] = []
    const place = join(root, 'local-parts')
    const copies = createDiskLocalCopies(place, state.snapshotter, { used: () => {}, transient: () => {} })
    const path = join(root, 'project')
    for (const name of ['a', 'b']) {
      mkdirSync(join(path, name), { recursive: true })
      writeFileSync(join(path, name, 'f'), 'x'.repeat(10_000))
    }
    const status = (_: string, { current = 0, completed = false }): void =>
      void (completed && transferred.push(current))
    using session = inMemorySession({ id: 's', name: '', sharedKey: 'k' }, [fileSync({ context: { path } })])
    for (const followPaths of [['a'], ['a', 'b'], ['a', 'b']]) {
      const filter = { includePatterns: [], excludePatterns: [], followPaths }
      const request = { name: 'context', sharedKeyHint: 'context', filter, differ: undefined }
      await copies.fetch(session.caller, request, { ...ctx, progress: { ...ctx.progress, status } })
    }
    assert.equal(readdirSync(place).length, 1)
    assert.deepEqual(
      transferred.map(bytes => Math.floor(bytes / 10_000)),
      [1, 1, 0],
    )
  })

  it('are shared by clients without a shared key, who get their own files all the same', async () => {
    await using state = await openState(join(root, 'state'))
    const place = join(root, 'local')
    const copies = createDiskLocalCopies(place, state.snapshotter, { used: () => {}, transient: () => {} })
    const fetch = async (id: string, path: string, sharedKey = '', name = 'context'): Promise<string> => {
      using session = inMemorySession({ id, name: '', sharedKey }, [fileSync({ [name]: { path } })])
      const filter = { includePatterns: [], excludePatterns: [], followPaths: [] }
      const request = { name, sharedKeyHint: name, filter, differ: undefined }
      const ref = await copies.fetch(session.caller, request, ctx)
      const [layer] = ref.kind === 'stack' ? ref.layers : []
      assert.equal(layer?.kind, 'layer')
      return readFileSync(join(state.snapshotter.directory(layer.id), 'f'), 'utf8')
    }
    const [one, two] = [directory('one', '1'), directory('two', '2')]
    assert.deepEqual([await fetch('a', one), await fetch('b', two), await fetch('c', one)], ['1', '2', '1'])
    assert.equal(readdirSync(place).length, 1)
    assert.deepEqual(await Promise.all([fetch('e', one), fetch('f', two)]), ['1', '2'])
    const [project = ''] = readdirSync(place)
    assert.deepEqual(readdirSync(join(place, project)).sort(), ['0', '0.lock'])
    assert.equal(await fetch('c', two, '', 'other'), '2')
    assert.equal(readdirSync(place).length, 1)
    await fetch('d', one, 'key')
    assert.equal(readdirSync(place).length, 2)
  })

  it('are compared by attributes alone where the client asks for that, whatever the name', async () => {
    await using state = await openState(join(root, 'state'))
    const place = join(root, 'compared')
    const copies = createDiskLocalCopies(place, state.snapshotter, { used: () => {}, transient: () => {} })
    const path = join(root, 'looks')
    mkdirSync(path)
    const fetch = async (differ: 'metadata' | 'none' | undefined, text: string): Promise<string> => {
      writeFileSync(join(path, 'f'), text)
      utimesSync(join(path, 'f'), 1000, 1000)
      using session = inMemorySession({ id: text, name: '', sharedKey: '' }, [fileSync({ looks: { path } })])
      const filter = { includePatterns: [], excludePatterns: [], followPaths: [] }
      const request = { name: 'looks', sharedKeyHint: String(differ), filter, differ }
      const ref = await copies.fetch(session.caller, request, ctx)
      const [layer] = ref.kind === 'stack' ? ref.layers : []
      assert.equal(layer?.kind, 'layer')
      return readFileSync(join(state.snapshotter.directory(layer.id), 'f'), 'utf8')
    }
    assert.deepEqual([await fetch('metadata', '1'), await fetch('metadata', '2')], ['1', '1'])
    assert.deepEqual([await fetch('none', '1'), await fetch('none', '2')], ['1', '2'])
    assert.deepEqual([await fetch(undefined, '1'), await fetch(undefined, '2')], ['1', '2'])
  })
})
