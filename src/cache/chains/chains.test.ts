import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../oci/digest.ts'
import { sampleCache, sampleTime } from '../testing/sample-cache.ts'
import {
  marshalCacheConfig,
  marshalCacheRecords,
  parseCacheConfig,
  parseCacheRecords,
} from './cache-config.ts'
import { CacheGraph } from './cache-graph.ts'
import type { CachedLayer } from './cached-layer.ts'
import { loadConfig } from './load-config.ts'
import { marshalGraph } from './marshal-graph.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const a = digestOf('a')
const b = digestOf('b')
const layer = (name: string): CachedLayer => ({
  descriptor: { mediaType: 'm', digest: digestOf(name), size: name.length },
  diffId: digestOf(`diff ${name}`),
})

describe('the description of a cache', () => {
  it('is the text that the real engine writes', () => {
    const bytes = marshalCacheConfig({
      layers: [
        { blob: a, parent: -1 },
        { blob: b, parent: 0, annotations: { mediaType: 'm', diffId: a, size: 3, createdMs: sampleTime } },
      ],
      records: [
        { digest: a, inputs: [], results: [], chains: [] },
        {
          digest: b,
          inputs: [
            [
              { selector: 's', link: 0 },
              { selector: '', link: 1 },
            ],
          ],
          results: [{ layer: 1, createdMs: sampleTime }],
          chains: [{ layers: [0, 1], createdMs: sampleTime }],
        },
      ],
    })
    assert.equal(
      text(bytes),
      `{"layers":[{"blob":"${a}","parent":-1},` +
        `{"blob":"${b}","annotations":{"mediaType":"m","diffID":"${a}","size":3,"createdAt":"2026-01-02T03:04:05Z"}}],` +
        `"records":[{"digest":"${a}"},` +
        `{"layers":[{"layer":1,"createdAt":"2026-01-02T03:04:05Z"}],` +
        `"chains":[{"layers":[0,1],"createdAt":"2026-01-02T03:04:05Z"}],"digest":"${b}",` +
        `"inputs":[[{"selector":"s","link":0},{"link":1}]]}]}`,
    )
  })

  it('is the same after it was read and written again', () => {
    const bytes = marshalCacheConfig(sampleCache('one', 'two').cache.config)
    assert.equal(text(marshalCacheConfig(parseCacheConfig(bytes))), text(bytes))
    const { records } = parseCacheConfig(bytes)
    assert.deepEqual(parseCacheRecords(marshalCacheRecords(records)), records)
  })

  it('of nothing is an empty object', () => {
    assert.equal(text(marshalCacheConfig({ layers: [], records: [] })), '{}')
    assert.deepEqual(parseCacheConfig(Buffer.from('{}')), { layers: [], records: [] })
  })

  it('is refused where it is none', () => {
    const wrong: [string, RegExp][] = [
      ['nonsense', /failed to parse cache config: invalid JSON/],
      ['{"layers":[{"blob":"sha256:zz"}]}', /layer 0: blob is not a digest/],
      [`{"layers":[{"blob":"${a}","annotations":{"mediaType":"m"}}]}`, /diffID is not a digest/],
      ['{"records":[{"digest":"x","inputs":[[]]}]}', /invalid empty input for record 0/],
      ['{"records":[{"digest":"x","inputs":[{}]}]}', /invalid empty input for record 0/],
    ]
    for (const [config, message] of wrong) assert.throws(() => parseCacheConfig(Buffer.from(config)), message)
    assert.throws(() => parseCacheRecords(Buffer.from('{}')), /not a list of records/)
  })
})

describe('records', () => {
  it('come back as they were, with their layers', () => {
    const { cache, layers } = sampleCache('one', 'two')
    const known = new Map(layers.map(one => [one.descriptor.digest, one]))
    const graph = loadConfig(cache.config, i => {
      const blob = cache.config.layers[i]?.blob
      return blob && known.get(blob)
    })
    assert.deepEqual(marshalGraph(graph), cache)
  })

  it('that lead nowhere or in a circle are refused', () => {
    const record = (link: number) => ({
      digest: a,
      inputs: [[{ selector: '', link }]],
      results: [],
      chains: [],
    })
    assert.throws(
      () => loadConfig({ layers: [], records: [record(7)] }, () => undefined),
      /invalid record ID: 7/,
    )
    assert.throws(
      () => loadConfig({ layers: [], records: [record(1), record(0)] }, () => undefined),
      /invalid looping record/,
    )
  })

  it('with layers that lead nowhere or in a circle are refused', () => {
    const records = [{ digest: a, inputs: [], results: [{ layer: 0, createdMs: 0 }], chains: [] }]
    const load = (...parents: readonly number[]): unknown =>
      loadConfig({ layers: parents.map(parent => ({ blob: a, parent })), records }, () => layer('x'))
    assert.throws(() => load(), /invalid layer index 0/)
    assert.throws(() => load(1, 0), /invalid looping layer/)
    assert.throws(() => load(9), /invalid layer index 9/)
  })

  it('stay without their results where a layer is not known', () => {
    const { cache } = sampleCache('one', 'two')
    const [first] = cache.layers
    const graph = loadConfig(cache.config, i => (i === 0 ? first : undefined))
    const again = marshalGraph(graph)
    assert.equal(again.config.records.length, cache.config.records.length)
    assert.ok(again.layers.length <= 1)
  })

  it('stay without the results whose layers are lost', () => {
    const { graph, layers } = sampleCache('one', 'two', 'three')
    const lost = new Set([layers[1]?.descriptor.digest].flatMap(one => one ?? []))
    const { config, layers: kept } = marshalGraph(graph, lost)
    assert.equal(config.records.length, 4)
    assert.deepEqual(
      kept.map(one => one.descriptor.digest),
      [layers[0]?.descriptor.digest],
    )
  })

  it('with the same digest and a common way to each input are one', () => {
    const graph = new CacheGraph()
    const [one, two] = [graph.add(a, []), graph.add(b, [])]
    const first = graph.add('step', [[{ record: one, selector: '' }]])
    const both = graph.add('step', [
      [
        { record: one, selector: '' },
        { record: two, selector: '' },
      ],
    ])
    assert.equal(first, both)
    assert.notEqual(graph.add('step', [[{ record: two, selector: 'other' }]]), first)
  })

  it('do not become their own inputs', () => {
    const graph = new CacheGraph()
    const root = graph.add(a, [])
    const step = graph.add('step', [[{ record: root, selector: '' }]])
    graph.add('step', [
      [
        { record: root, selector: '' },
        { record: step, selector: '' },
      ],
    ])
    assert.equal(marshalGraph(graph).config.records.length, 2)
  })

  it('have the newest of their results, each layer once', () => {
    const graph = new CacheGraph()
    const [base, old, fresh] = [layer('base'), layer('old'), layer('fresh')]
    graph.add(a, [], { layers: [base, old], createdMs: 1 })
    graph.add(a, [], { layers: [base, fresh], createdMs: 2 })
    graph.add(b, [], { layers: [base], createdMs: 3 })
    const { config, layers } = marshalGraph(graph)
    assert.deepEqual(new Set(layers), new Set([base, fresh]))
    const parents = config.layers.map(({ parent }) => parent).toSorted((x, y) => x - y)
    assert.equal(parents[0], -1)
    assert.ok((parents[1] ?? -1) >= 0)
  })

  it('have the same text in whatever order they were added', () => {
    const make = (order: readonly string[]): string => {
      const graph = new CacheGraph()
      const roots = order.map(name => graph.add(digestOf(name), [], { layers: [layer(name)], createdMs: 1 }))
      graph.add('step', [roots.map(record => ({ record, selector: '' }))])
      return text(marshalCacheConfig(marshalGraph(graph).config))
    }
    assert.equal(make(['x', 'y', 'z']), make(['z', 'x', 'y']))
  })
})
