import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { collect } from '../../src/bytes/collect.ts'
import { llbCapabilities } from '../../src/engine/capabilities.ts'
import { SlipwayError } from '../../src/errors/slipway-error.ts'
import { file } from '../../src/llb/file.ts'
import { diff, merge } from '../../src/llb/merge-diff.ts'
import { scratch, type State } from '../../src/llb/state.ts'
import { image } from '../../src/llb/source.ts'
import { sessionExporter } from '../../src/session/attachables/session-exporter.ts'
import { definitionOf, EngineBench } from '../support/engine-bench.ts'
import { lacks } from '../support/need.ts'

const bytes = (text: string): Buffer => Buffer.from(text)
const write = (state: State, path: string, text = path): State =>
  file(state, [{ kind: 'mkfile', path, mode: 0o644, data: bytes(text) }])
const mkdir = (state: State, path: string): State =>
  file(state, [{ kind: 'mkdir', path, mode: 0o755, parents: true }])
const remove = (state: State, path: string): State => file(state, [{ kind: 'rm', path }])

describe('results of builds that clients drive', { skip: lacks({ root: true }) }, () => {
  let bench: EngineBench
  before(async () => {
    bench = await EngineBench.open()
  })
  after(async () => await bench[Symbol.asyncDispose]())

  /** Drives a build whose result is a file, with this metadata. */
  const driven = async (
    metadata: Record<string, string>,
    more: Omit<Parameters<EngineBench['solve']>[0], 'drive' | 'state'> = {},
  ): Promise<Readonly<Record<string, string>>> =>
    await bench.solve({
      ...more,
      drive: async (bridge, call) => {
        const message = { Definition: definitionOf(write(scratch, '/foo')) }
        const solved = await bridge.solve({ ...empty, ...message } as never, call)
        const texts = Object.entries(metadata).map(([key, text]) => [key, bytes(text)])
        const result = { ...solved.result, metadata: Object.fromEntries(texts) }
        await bridge.return({ result } as never, call)
      },
    })
  const empty = { CacheImports: [], SourcePolicies: [], Frontend: '', FrontendOpt: {}, FrontendInputs: {} }

  it('go to exporters that the client chooses when it has looked at them', async () => {
    const seen: unknown[] = []
    const archive: Buffer[] = []
    const choice = sessionExporter({
      choose: async (_, refs, signal) => {
        const bridge = await bench.local.engine.bridge(ref, signal)
        const call = { signal, headers: new Headers(), responseHeaders: new Headers() }
        const listed = await bridge.readDir({ Ref: refs[0], DirPath: '/', IncludePattern: '' } as never, call)
        seen.push(listed.entries?.map(entry => entry.path))
        return [{ type: 'tar', attrs: {} }]
      },
      finalize: async response => void seen.push(Object.keys(response)),
    })
    const ref = 'chosen'
    const receive = async (stream: AsyncIterable<Uint8Array>): Promise<void> => {
      archive.push(Buffer.from(await collect(stream, { limit: 1 << 20 })))
    }
    await driven(
      { 'frontend.x': 'y' },
      {
        request: { Ref: ref, EnableSessionExporter: true },
        attachables: [choice],
        targets: { 0: { kind: 'stream', receive } },
      },
    )
    assert.deepEqual(seen, [['foo'], ['frontend.x']])
    assert.match(archive[0]?.toString('latin1') ?? '', /^foo\0/)
  })

  it('fail where the client refuses what was exported, and only then', async () => {
    for (const [code, fails] of [
      ['unavailable', false],
      ['unknown', true],
    ] as const) {
      const choice = sessionExporter({
        choose: async () => [],
        finalize: async () => {
          throw new SlipwayError(code, 'not what I wanted')
        },
      })
      const solved = driven({}, { request: { EnableSessionExporter: true }, attachables: [choice] })
      if (fails) await assert.rejects(solved, { message: 'not what I wanted' })
      else await solved
    }
  })

  it('are refused where their platforms make no sense', async () => {
    const Exporters = [{ Type: 'image' }]
    const cases: Record<string, [string, string]> = {
      'invalid empty platform key for exporter': ['refs.platforms', '{"Platforms":[{}]}'],
      'invalid platform value {  v1 [a b] } for exporter': [
        'refs.platforms',
        '{"Platforms":[{"ID":"x","Platform":{"os.version":"v1","os.features":["a","b"]}}]}',
      ],
      'invalid image config: os and architecture must be specified together': [
        'containerimage.config',
        '{"architecture":"amd64"}',
      ],
    }
    for (const [message, [key, text]] of Object.entries(cases))
      await assert.rejects(driven({ [key]: text }, { request: { Exporters } }), { message })
  })

  it('may be known to the client already: then nothing is sent', async () => {
    const refuse = async (_: unknown, metadata: Readonly<Record<string, string>>): Promise<void> => {
      assert.match(metadata['containerimage.digest'] ?? '', /^sha256:/)
      throw new SlipwayError('already-exists', 'target already exists')
    }
    const request = { Exporters: [{ Type: 'oci' }] }
    const response = await driven({}, { request, targets: { 0: { kind: 'stream', receive: refuse } } })
    assert.match(response['containerimage.digest'] ?? '', /^sha256:/)
  })

  it('are what was changed, where they are differences: files that are the same are not part of them', async () => {
    const lower = write(mkdir(scratch, '/dir'), '/dir/a')
    const upper = remove(write(write(lower, '/b'), '/dir/c'), '/dir/a')
    assert.deepEqual(Object.keys(await bench.files(diff(lower, upper))).sort(), ['b', 'dir/', 'dir/c'])
    const other = write(write(mkdir(scratch, '/dir'), '/dir/a'), '/dir/d')
    const merged = await bench.files(merge([other, diff(lower, upper)]))
    assert.deepEqual(Object.keys(merged).sort(), ['b', 'dir/', 'dir/c', 'dir/d'])
  })

  it('may need what this engine offers, each thing of which is offered once', () => {
    const offered = llbCapabilities().map(({ ID }) => ID)
    assert.equal(new Set(offered).size, offered.length)
  })

  it('keep attributes of directories where unrelated trees differ', async () => {
    const odd = file(scratch, [{ kind: 'mkdir', path: '/odd', mode: 0o700, parents: true }])
    const [header = ''] = await bench.archive(diff(write(scratch, '/x'), write(odd, '/odd/y')))
    assert.match(header, /^odd\/\0+0000700\0/)
  })

  it('of digests are found only in repositories that have them', async () => {
    const name = 'localhost:1/app:1'
    const response = await bench.solve({
      state: write(scratch, '/foo'),
      request: { Exporters: [{ Type: 'image', Attrs: { name } }] },
    })
    const digest = response['containerimage.digest'] ?? ''
    assert.deepEqual(await bench.files(image(`${name}@${digest}`)), { foo: '/foo' })
    await assert.rejects(bench.files(image(`localhost:1/other@${digest}`)))
  })
})
