import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isSlipwayError } from '../../src/errors/slipway-error.ts'
import { treeArchive } from '../../src/exporter/tree-archive.ts'
import { unpackArchive } from '../../src/ops/unpack-archive.ts'
import { DirectoryTree } from '../../src/snapshot/directory-tree.ts'
import { LayerTree } from '../../src/snapshot/layer-tree.ts'
import { UpperTree } from '../../src/snapshot/upper-tree.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { addCases } from './add-cases.ts'
import { addDifferences } from './add-differences.ts'
import { type Canary, placeCanary } from './canary.ts'
import type { Outcome } from './outcome.ts'
import { file, pax, tar } from './tar-bytes.ts'
import { listArchive } from './tree-listing.ts'

// What `ADD` makes of the archives of the corpus: as BuildKit (adds.json), or as add-differences.ts says. A file that is no
// archive is copied.

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'adds.json'), 'utf8')) as Record<
  string,
  Outcome
>
const copied = '"x/layer.tar" file'

describe('an archive that is added', { skip: lacks({ root: true }) }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let canary: Canary
  let untouched: readonly string[]

  before(async () => {
    scratch = stack.use(await makeScratch())
    for (const name of ['source', 'upper']) mkdirSync(scratch.path(name))
    canary = stack.use(await placeCanary(scratch.dir))
    untouched = canary.state()
  })
  after(() => stack.disposeAsync())

  for (const [name, archive] of Object.entries(addCases)) {
    it(name, async () => {
      const wanted = addDifferences.find(({ names }) => names.test(name))?.wanted(name) ?? recorded[name]
      assert.ok(wanted, 'there is no recorded answer')
      const outcome = await add(archive())
      if ('error' in wanted) {
        assert.ok(
          'error' in outcome,
          `unpacked, but is refused elsewhere: ${wanted.error}\n${JSON.stringify(outcome)}`,
        )
        assert.ok(!outcome.error.includes('\n') && !outcome.error.includes(scratch.dir), outcome.error)
        const words = wanted.error.replace(/^.*failed to solve: /, '').replace(/ \.\/\/|xattr ".*": /, '')
        if (!/^(?:unlinkat|n+$|no such)/.test(words)) assert.ok(outcome.error.includes(words), outcome.error)
      } else {
        assert.ok('tree' in outcome, JSON.stringify(outcome))
        assert.deepEqual(outcome.tree.map(timeless), wanted.tree.map(timeless))
      }
      assert.deepEqual(canary.state(), untouched, 'something outside of the root was touched')
    })
  }

  it('with a large program keeps its setuid bit and its capabilities', async () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
    const big = file('big', Buffer.alloc(3_000_000, 'x'), { mode: 0o4755, uid: 5 })
    const outcome = await add(tar(pax(['SCHILY.xattr.security.capability', capability]), big))
    assert.ok('tree' in outcome, JSON.stringify(outcome))
    assert.match(
      outcome.tree[1] ?? '',
      /^"x\/big" file 4755 5:0 1000000000 3000000.* security.capability=0100/,
    )
  })

  async function add(bytes: Buffer): Promise<Outcome> {
    await rm(scratch.path('upper'), { recursive: true })
    mkdirSync(scratch.path('upper'))
    writeFileSync(scratch.path('source', 'layer.tar'), bytes)
    const options = { upper: scratch.path('upper'), lowers: [], overlayPrefix: 'trusted.overlay.' as const }
    const { signal } = new AbortController()
    try {
      using source = new DirectoryTree(scratch.path('source'))
      using target = new UpperTree({ ...options, parentTimes: 'touched' })
      const context = { source, target, owner: undefined, mtimeNs: undefined, signal }
      if (!(await unpackArchive('/layer.tar', '/x/', context))) return { tree: ['"x/" directory', copied] }
    } catch (error) {
      assert.ok(isSlipwayError(error), `not one of our errors: ${String(error)}`)
      return { error: error.message, code: 1 }
    }
    using tree = new LayerTree([scratch.path('upper')])
    const whole = { tree, prefix: '', extra: new Map(), mtimeMs: 0, prefixMtimeMs: 0, label: '' }
    return { tree: await listArchive(treeArchive([whole], signal)) }
  }
})

/** Times of directories are those of the steps; the copy of a file that is no archive is looked at elsewhere. */
function timeless(line: string): string {
  if (line.startsWith(copied)) return copied
  return line.replace(/^("x\/" directory).*|( directory \S+ \S+) \S+/, '$1$2')
}
