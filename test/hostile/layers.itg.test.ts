import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isSlipwayError } from '../../src/errors/slipway-error.ts'
import { treeArchive } from '../../src/exporter/tree-archive.ts'
import { chainIds } from '../../src/oci/chain-id.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { LayerTree } from '../../src/snapshot/layer-tree.ts'
import { openState, type State } from '../../src/snapshot/open-state.ts'
import type { LayerId } from '../../src/snapshot/snapshotter.ts'
import { lacks } from '../support/need.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { type Canary, placeCanary } from './canary.ts'
import { layerDifferences } from './layer-differences.ts'
import { type Layer, layerCases } from './layer-cases.ts'
import type { Outcome } from './outcome.ts'
import { listArchive } from './tree-listing.ts'

// Hostile, broken and odd layers, all into one state directory: what comes out is what BuildKit makes of them
// (layers.json), or what layer-differences.ts says.

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'layers.json'), 'utf8')) as Record<
  string,
  Outcome
>

describe('a layer', { skip: lacks({ root: true }) }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let state: State
  let canary: Canary
  let untouched: readonly string[]

  before(async () => {
    scratch = stack.use(await makeScratch())
    state = stack.use(await openState(scratch.path('state')))
    writeFileSync(scratch.path('blob'), '')
    canary = stack.use(await placeCanary(scratch.dir))
    untouched = canary.state()
  })
  after(() => stack.disposeAsync())

  for (const [name, layers] of Object.entries(layerCases)) {
    it(name, async () => {
      const wanted = layerDifferences[name] ?? recorded[name]
      assert.ok(wanted, 'there is no recorded answer')
      const outcome = await unpack(layers())
      if ('error' in wanted) {
        assert.ok(
          'error' in outcome,
          `unpacked, but is refused elsewhere: ${wanted.error}\n${JSON.stringify(outcome)}`,
        )
        assert.match(outcome.error, /^[^\n]{5,1000}$/)
        assert.ok(!outcome.error.includes(scratch.dir), `${outcome.error} tells of the state directory`)
        const shared =
          /archive\/tar: \w.*|mkparent|invalid whiteout.*|(?:not permitted|no such file or directory)$/
        const [words = ''] = shared.exec(wanted.error) ?? []
        assert.ok(outcome.error.includes(words) || outcome.error.includes('out of range'), outcome.error)
      } else {
        assert.ok('tree' in outcome, JSON.stringify(outcome))
        assert.deepEqual(outcome.tree.map(timeless(wanted.tree)), wanted.tree)
      }
      assert.deepEqual(canary.state(), untouched, 'something outside of the root was touched')
    })
  }

  it('that is good goes into the same state directory afterwards, and nothing half done is left', async () => {
    const good = layerCases['name: absolute']?.() ?? []
    assert.ok('tree' in (await unpack(good)))
    const folders = readdirSync(scratch.path('state', 'snapshots'))
    const known = await state.snapshotter.list()
    assert.deepEqual(
      folders.filter(name => !known.some(layer => String(layer.id) === name)),
      [],
    )
  })

  async function unpack(layers: readonly Layer[]): Promise<Outcome> {
    const parts = layers.map(one => (Buffer.isBuffer(one) ? { blob: one, diff: one } : one))
    const diffIds = parts.map(({ diff }) => digestOf(diff))
    const chain = chainIds(diffIds)
    const path = scratch.path('blob')
    try {
      const ids: LayerId[] = []
      for (const [i, { blob, mediaType: type }] of parts.entries()) {
        const [diffId, chainId] = [diffIds[i], chain[i]]
        if (diffId === undefined || chainId === undefined) throw new Error('a digest is missing')
        writeFileSync(path, blob)
        const source = { path, mediaType: type ?? mediaType.ociLayer, diffId }
        ids.push((await state.snapshotter.unpack(source, ids, chainId)).id)
      }
      using tree = new LayerTree(ids.map(id => state.snapshotter.directory(id)))
      const whole = { tree, prefix: '', extra: new Map(), mtimeMs: 0, prefixMtimeMs: 0, label: '' }
      return { tree: await listArchive(treeArchive([whole], new AbortController().signal)) }
    } catch (error) {
      assert.ok(isSlipwayError(error), `not one of our errors: ${String(error)}`)
      return { error: error.message, code: 1 }
    }
  }
})

/** Directories that a layer does not bring get BuildKit's time of unpacking; here they keep what they had below. */
function timeless(wanted: readonly string[]): (line: string, i: number) => string {
  return (line, i) => {
    const other = wanted[i] ?? ''
    return / directory \S+ \S+ now/.test(other) ? line.replace(/( directory \S+ \S+) \S+/, '$1 now') : line
  }
}
