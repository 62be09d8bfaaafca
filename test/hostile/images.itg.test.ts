import assert from 'node:assert/strict'
import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { callCli } from '../../src/cli/testing/call-cli.ts'
import { isSlipwayError } from '../../src/errors/slipway-error.ts'
import { treeArchive } from '../../src/exporter/tree-archive.ts'
import { MemoryImageStore } from '../../src/oci/memory-image-store.ts'
import { parsePullReference } from '../../src/oci/reference.ts'
import { TestClient } from '../../src/registry/testing/test-client.ts'
import { LayerTree } from '../../src/snapshot/layer-tree.ts'
import { openState, type State } from '../../src/snapshot/open-state.ts'
import type { LayerId } from '../../src/snapshot/snapshotter.ts'
import { ImageSource } from '../../src/source/image/image-source.ts'
import { openManifestOrigins } from '../../src/source/image/manifest-origins.ts'
import type { SourceContext } from '../../src/source/source-context.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { type Canary, placeCanary } from './canary.ts'
import { repositoryOf, serveCorpus } from './corpus-server.ts'
import { imageCases } from './image-cases.ts'
import { imageDifferences } from './image-differences.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { listArchive } from './tree-listing.ts'

// Images whose indexes, manifests and configurations are hostile, broken or odd, all into one state directory: they are
// accepted and refused as by BuildKit (images.json), or as image-differences.ts says.

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'images.json'), 'utf8')) as Record<
  string,
  Outcome
>
/** These are only found out by the frontend, or show best how a whole command ends. */
const wholeCommand =
  /^config: OnBuild|^right: index|climbs$|nested 60 deep|: 50 MB|deeper$|of other bytes|layer: too (?:small|large)|schema 1|an artifact$/

describe('an image', { skip: lacks({ root: true }) }, () => {
  const stack = new AsyncDisposableStack()
  const signal = new AbortController().signal
  const nothing = (): void => {}
  const ctx: SourceContext = {
    signal,
    progress: {
      resume: () => nothing,
      status: nothing,
      step: async (_, work) => await work(),
      log: nothing,
      warn: nothing,
    },
    sessions: () => [],
  }
  let scratch: Scratch
  let state: State
  let source: ImageSource
  let canary: Canary
  let untouched: readonly string[]
  let host = ''

  before(async () => {
    scratch = stack.use(await makeScratch())
    await mkdir(scratch.path('c'))
    const client = stack.use(TestClient.make())
    state = stack.use(await openState(scratch.path('state')))
    host = stack.use(await serveCorpus(imageCases)).host
    const remote = (reference: { domain: string; path: string }) =>
      client.at(reference.domain, reference.path)
    source = new ImageSource(
      { content: state.content, origins: openManifestOrigins(state.database) },
      {
        remote,
        local: () => new MemoryImageStore(),
        layout: () => assert.fail('no layout was asked for'),
      },
    )
    canary = stack.use(await placeCanary(scratch.dir))
    untouched = canary.state()
  })
  after(() => stack.disposeAsync())

  for (const name of Object.keys(imageCases)) {
    it(name, async () => {
      const wanted = imageDifferences[name] ?? recorded[name]
      assert.ok(wanted, 'there is no recorded answer')
      const outcome = await (wholeCommand.test(name) ? build(name) : pull(name))
      if ('error' in wanted) {
        assert.ok(
          'error' in outcome,
          `accepted, but is refused elsewhere: ${wanted.error}\n${JSON.stringify(outcome)}`,
        )
        assert.match(outcome.error, /^[^\n]{5,1000}$/)
        if (name in imageDifferences) assert.ok(outcome.error.includes(wanted.error), outcome.error)
        assert.ok(!outcome.error.includes(scratch.dir), `${outcome.error} tells of the state directory`)
      } else assert.deepEqual(outcome, { tree: wanted.tree })
      assert.deepEqual(canary.state(), untouched, 'something outside of the state directory was touched')
    })
  }

  it('that is right is built on the same state directory afterwards', async () => {
    assert.ok('tree' in (await build('right: manifest')))
    const blobs = readdirSync(scratch.path('state', 'content', 'blobs', 'sha256'))
    assert.deepEqual(
      blobs.filter(name => !/^[0-9a-f]{64}$/.test(name)),
      [],
    )
  })

  /** Brings the image and unpacks it, as a build does. */
  async function pull(name: string): Promise<Outcome> {
    const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
    const reference = parsePullReference(`${host}/${repositoryOf(name)}`)
    const identifier = { reference, platform, mode: 'default' as const }
    try {
      const image = await source.resolve(identifier, ctx)
      const ids: LayerId[] = []
      for (const layer of source.tree(identifier, image, ctx).layers) {
        if (layer.kind !== 'lazy') continue
        const { descriptor, diffId, chainId, fetch } = layer.lazy
        await fetch(signal)
        const blob = { path: state.content.path(descriptor.digest), mediaType: descriptor.mediaType, diffId }
        ids.push((await state.snapshotter.unpack(blob, ids, chainId)).id)
      }
      using tree = new LayerTree(ids.map(id => state.snapshotter.directory(id)))
      const whole = { tree, prefix: '', extra: new Map(), mtimeMs: 0, prefixMtimeMs: 0, label: '' }
      return { tree: ids.length === 0 ? [] : await listArchive(treeArchive([whole], signal)) }
    } catch (error) {
      assert.ok(isSlipwayError(error), `not one of our errors: ${String(error)}`)
      return { error: error.message, code: 1 }
    }
  }

  /** Runs a whole command on it. */
  async function build(name: string): Promise<Outcome> {
    const out = scratch.path('state', 'out.tar')
    await writeFile(scratch.path('c', 'Dockerfile'), `FROM ${host}/${repositoryOf(name)}\n`)
    const env = { HOME: scratch.dir, DOCKER_CONFIG: scratch.path('state'), BUILDX_BUILDER: 'slipway' }
    const result = await callCli(
      ['build', '--progress=plain', '-o', `type=tar,dest=${out}`, scratch.path('c')],
      { cwd: scratch.dir, env: { ...env, SLIPWAY_ROOT: scratch.path('state') } },
    )
    if (result.code !== 0) assertOneError(result, /./)
    return await outcomeOf(result, host, () => listArchive(createReadStream(out)))
  }
})
