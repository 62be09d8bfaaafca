import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { collect } from '../../bytes/collect.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Attributes } from '../../exporter/attributes.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { parseDescriptor } from '../../oci/descriptor-json.ts'
import { type Digest, digestOf } from '../../oci/digest.ts'
import { describeBytes, marshalIndex, parseManifest } from '../../oci/manifest.ts'
import { mediaType } from '../../oci/media-type.ts'
import { InProcessRegistry } from '../../registry/testing/in-process-registry.ts'
import { TestClient } from '../../registry/testing/test-client.ts'
import type { ClientContent } from '../../session/callers/client-content.ts'
import { marshalCacheRecords } from '../chains/cache-config.ts'
import { loadConfig } from '../chains/load-config.ts'
import { type MarshaledCache, marshalGraph } from '../chains/marshal-graph.ts'
import { readBlobs, sampleCache, sampleContext } from '../testing/sample-cache.ts'
import type { CacheImportResult } from './cache-backend.ts'
import { inlineCache } from './inline-export.ts'
import { inlineCacheKey, inlineCacheOf } from './inline-import.ts'
import { createLocalExporter, createLocalImporter } from './local-cache.ts'
import { mergeManifests } from './merge-manifests.ts'
import { createRegistryExporter, createRegistryImporter } from './registry-cache.ts'

const parseJson = (text: string | undefined): Descriptor => JSON.parse(text ?? '') as Descriptor

/** The cache that was imported, as it would be exported again. */
function again({ caches }: CacheImportResult): MarshaledCache {
  const [cache] = caches
  assert.ok(cache)
  return marshalGraph(loadConfig(cache.config, cache.layerOf))
}

describe('a cache in a registry', () => {
  const forms: [Attributes, string, string][] = [
    [{}, mediaType.ociManifest, 'image manifest'],
    [{ 'image-manifest': 'false' }, mediaType.ociIndex, 'manifest'],
    [{ 'oci-mediatypes': 'false' }, mediaType.dockerManifestList, 'manifest'],
  ]
  for (const [form, type, word] of forms) {
    it(`comes back as it was written, as ${type}`, async () => {
      await using registry = await InProcessRegistry.start()
      using client = TestClient.make()
      const open = () => client.at(registry.host, 'app/cache')
      const attrs = { ref: `${registry.host}/app/cache:main`, ...form }
      const { cache, read, blobs } = sampleCache('one', 'two')
      const ctx = sampleContext()
      const answer = await createRegistryExporter(attrs, open).write(cache, read, ctx)
      const written = parseJson(answer['cache.manifest'])
      assert.equal(written.mediaType, type)
      assert.equal(registry.content.tags.get('app/cache:main'), written.digest)
      assert.equal(ctx.steps.at(-1), `writing cache ${word} ${written.digest}`)
      const second = sampleContext()
      const found = await createRegistryImporter(attrs, open).load(second)
      assert.deepEqual(second.steps, [`inferred cache manifest type: ${type}`])
      assert.equal(found.blobs.repository, `${registry.host}/app/cache`)
      assert.deepEqual(again(found).config, cache.config)
      assert.deepEqual(await readBlobs(found), blobs)
    })
  }

  it('keeps what eStargz layers say of themselves', async () => {
    await using registry = await InProcessRegistry.start()
    using client = TestClient.make()
    const open = () => client.at(registry.host, 'app/cache')
    const attrs = { ref: `${registry.host}/app/cache:stargz` }
    const { cache, read } = sampleCache('one')
    const toc = { 'containerd.io/snapshot/stargz/toc.digest': `sha256:${'a'.repeat(64)}` }
    const layers = cache.layers.map(layer => ({
      ...layer,
      descriptor: { ...layer.descriptor, annotations: toc },
    }))
    await createRegistryExporter(attrs, open).write({ ...cache, layers }, read, sampleContext())
    const [found] = (await createRegistryImporter(attrs, open).load(sampleContext())).caches
    assert.deepEqual(found?.layerOf(0)?.descriptor.annotations, toc)
  })

  it('is not sent again where it is', async () => {
    await using registry = await InProcessRegistry.start()
    using client = TestClient.make()
    const open = () => client.at(registry.host, 'c')
    const exporter = createRegistryExporter({ ref: `${registry.host}/c` }, open)
    const { cache, read, reads } = sampleCache('one')
    await exporter.write(cache, read, sampleContext())
    reads.clear()
    await exporter.write(cache, read, sampleContext())
    assert.equal(reads.size, 0)
  })

  it('that is not there is an error, which the build does without', async () => {
    await using registry = await InProcessRegistry.start()
    using client = TestClient.make()
    const importer = createRegistryImporter({ ref: `${registry.host}/none` }, () =>
      client.at(registry.host, 'none'),
    )
    await assert.rejects(importer.load(sampleContext()), { code: 'not-found' })
  })

  it('may be the inline caches of the images of an index', async () => {
    await using registry = await InProcessRegistry.start()
    using client = TestClient.make()
    const { graph, layers, blobs } = sampleCache('one', 'two')
    const image = layers.map(({ descriptor, diffId }) => ({ digest: descriptor.digest, diffId }))
    const inline = inlineCache(graph, image)
    assert.ok(inline)
    const put = (architecture: string): Descriptor => {
      const config = Buffer.from(
        JSON.stringify({
          architecture,
          os: 'linux',
          rootfs: { type: 'layers', diff_ids: image.map(one => one.diffId) },
          history: [{ empty_layer: true }, { created: '2026-01-02T03:04:05Z', created_by: 'RUN x' }, {}],
          [inlineCacheKey]: Buffer.from(inline).toString('base64'),
        }),
      )
      registry.content.addBlob('app', config)
      const manifest = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: mediaType.ociManifest,
          config: describeBytes(config, mediaType.ociConfig),
          layers: layers.map(one => one.descriptor),
        }),
      )
      registry.content.addManifest('app', { mediaType: mediaType.ociManifest, bytes: manifest })
      return describeBytes(manifest, mediaType.ociManifest)
    }
    for (const bytes of blobs.values()) registry.content.addBlob('app', bytes)
    const index = marshalIndex({
      schemaVersion: 2,
      mediaType: mediaType.ociIndex,
      manifests: [put('amd64'), put('arm64')],
    })
    registry.content.addManifest('app', { mediaType: mediaType.ociIndex, bytes: index }, 'latest')
    const attrs = { ref: `${registry.host}/app` }
    const found = await createRegistryImporter(attrs, () => client.at(registry.host, 'app')).load(
      sampleContext(),
    )
    assert.equal(found.caches.length, 2)
    assert.deepEqual(await readBlobs(found), blobs)
    assert.equal(found.caches[0]?.layerOf(0)?.description, 'RUN x')
  })

  it('is refused with options that make no sense', () => {
    const open = () => {
      throw new Error('not to be opened')
    }
    const wrong: [Attributes, RegExp][] = [
      [{}, /missing ref/],
      [
        { ref: 'r', 'oci-mediatypes': 'false', 'image-manifest': 'true' },
        /OCI mediatypes are required for image-manifest cache format/,
      ],
      [{ ref: 'r', compression: 'lzma' }, /unsupported compression type lzma/],
      [{ ref: 'r', 'registry.insecure': 'maybe' }, /failed to parse registry.insecure/],
      [
        { ref: 'r', 'registry.insecure': '' },
        /failed to parse registry.insecure: .*parsing "": invalid syntax/,
      ],
      [{ ref: 'r', 'image-manifest': '' }, /failed to parse image-manifest: .*parsing "": invalid syntax/],
      // Of several the same is told as by BuildKit.
      [{ compression: 'lzma', 'oci-mediatypes': 'x' }, /unsupported compression type lzma/],
      [{ 'oci-mediatypes': 'x', 'registry.insecure': 'x' }, /missing ref/],
      [{ ref: 'r', 'oci-mediatypes': 'x', 'registry.insecure': 'x' }, /failed to parse oci-mediatypes/],
    ]
    for (const [attrs, message] of wrong) assert.throws(() => createRegistryExporter(attrs, open), message)
  })
})

describe('caches of several nodes in one repository', () => {
  it('become one, under the tag, without a layer being read', async () => {
    await using registry = await InProcessRegistry.start()
    using client = TestClient.make()
    const open = () => client.at(registry.host, 'c')
    const ref = `${registry.host}/c:all`
    const samples = [sampleCache('one', 'two'), sampleCache('one', 'other')]
    const digests: Digest[] = []
    for (const { cache, read } of samples) {
      const answer = await createRegistryExporter({ ref }, open).write(cache, read, sampleContext())
      digests.push(parseDescriptor(JSON.parse(answer['cache.manifest'] ?? ''), 'answer').digest)
    }
    const signal = new AbortController().signal
    registry.requests.length = 0
    await mergeManifests(digests, open(), { attrs: {}, tags: ['all'], signal })
    const asked = registry.requests.map(one => one.path)
    for (const { blobs } of samples)
      for (const digest of blobs.keys()) assert.ok(!asked.some(path => path.includes(digest)))
    const found = await createRegistryImporter({ ref }, open).load(sampleContext())
    const wanted = new Map(samples.flatMap(one => [...one.blobs]))
    assert.deepEqual(await readBlobs(found), wanted)
    assert.equal(again(found).config.records.length, 4)
    await assert.rejects(mergeManifests([digestOf('none')], open(), { attrs: {}, tags: [], signal }), {
      code: 'not-found',
    })
  })
})

describe('a cache in a directory of the client', () => {
  function openStore() {
    const blobs = new Map<string, Uint8Array>()
    const opened: string[] = []
    const store: ClientContent = {
      async size(digest) {
        const found = blobs.get(digest)
        if (found === undefined) throw new SlipwayError('not-found', `${digest}: not found`)
        return found.byteLength
      },
      async *read(digest, { offset = 0 } = {}) {
        const found = blobs.get(digest)
        if (found === undefined) throw new SlipwayError('not-found', `${digest}: not found`)
        yield found.subarray(offset)
      },
      async write({ digest }, bytes) {
        blobs.set(digest, new Uint8Array(await collect(bytes, { limit: 1 << 20 })))
      },
      async *list() {},
    }
    const open = async (session: string, id: string): Promise<ClientContent> => {
      opened.push(`${session} ${id}`)
      return store
    }
    return { blobs, opened, open }
  }

  it('comes back as it was written, by the digest of its description', async () => {
    const { blobs, opened, open } = openStore()
    const sample = sampleCache('one', 'two')
    const answer = await createLocalExporter({ dest: 'out' }, open).write(
      sample.cache,
      sample.read,
      sampleContext(),
    )
    const { digest, mediaType: type } = parseJson(answer['cache.manifest'])
    assert.equal(type, mediaType.ociManifest)
    assert.equal(parseManifest(blobs.get(digest) ?? new Uint8Array()).kind, 'manifest')
    const found = await createLocalImporter({ src: 'in', digest }, open).load(sampleContext())
    assert.deepEqual(again(found), sample.cache)
    assert.deepEqual(await readBlobs(found), sample.blobs)
    assert.deepEqual(opened, ['session local:out', 'session local:in'])
  })

  it('is not written again where it is', async () => {
    const { open } = openStore()
    const { cache, read, reads } = sampleCache('one')
    const exporter = createLocalExporter({ dest: 'out' }, open)
    await exporter.write(cache, read, sampleContext())
    reads.clear()
    await exporter.write(cache, read, sampleContext())
    assert.equal(reads.size, 0)
  })

  it('is refused where its description is another one than was asked for', async () => {
    const { blobs, open } = openStore()
    const digest = digestOf('described')
    blobs.set(digest, Buffer.from('otherwise'))
    await assert.rejects(createLocalImporter({ src: 'in', digest }, open).load(sampleContext()), {
      code: 'data-loss',
    })
  })

  it('is refused with options that make no sense, in the words of the real engine', async () => {
    const { open } = openStore()
    const digest = digestOf('x')
    assert.throws(
      () => createLocalImporter({ src: 'x' }, open),
      /local cache importer requires explicit digest/,
    )
    assert.throws(() => createLocalImporter({ digest }, open), /local cache importer requires src/)
    assert.throws(() => createLocalExporter({}, open), /local cache exporter requires dest/)
    const nobody = { ...sampleContext(), sessionId: '' }
    await assert.rejects(
      createLocalImporter({ src: 'x', digest }, open).load(nobody),
      /local cache exporter\/importer requires session/,
    )
  })
})

describe('an inline cache', () => {
  const configOf = (records: Uint8Array | undefined, diffIds: readonly string[]): Uint8Array =>
    Buffer.from(
      JSON.stringify({
        rootfs: { type: 'layers', diff_ids: diffIds },
        [inlineCacheKey]: records && Buffer.from(records).toString('base64'),
      }),
    )

  it('speaks of the layers of its image only', () => {
    const { graph, layers } = sampleCache('one', 'two', 'three')
    const image = layers.slice(0, 2).map(({ descriptor, diffId }) => ({ digest: descriptor.digest, diffId }))
    const records = inlineCache(graph, image)
    const cache = inlineCacheOf(
      configOf(
        records,
        image.map(one => one.diffId),
      ),
      layers.slice(0, 2).map(one => one.descriptor),
    )
    assert.ok(cache)
    const loaded = marshalGraph(loadConfig(cache.config, cache.layerOf))
    assert.deepEqual(
      loaded.layers.map(one => one.descriptor.digest).toSorted(),
      image.map(one => one.digest).toSorted(),
    )
  })

  it('is none where the image has nothing of the build', () => {
    const { graph } = sampleCache('one')
    assert.equal(inlineCache(graph, [{ digest: digestOf('x'), diffId: digestOf('y') }]), undefined)
  })

  it('names layers that the image has elsewhere one by one', () => {
    const { graph, layers } = sampleCache('one')
    const [made] = layers
    assert.ok(made)
    const base = { digest: digestOf('base'), diffId: digestOf('base diff') }
    const records = inlineCache(graph, [base, { digest: made.descriptor.digest, diffId: made.diffId }])
    const text = Buffer.from(records ?? []).toString()
    assert.match(text, /"chains":\[\{"layers":\[1\]/)
  })

  it('of another image, or none, is left alone', () => {
    const { cache, layers } = sampleCache('one')
    const descriptors = layers.map(one => one.descriptor)
    const records = marshalCacheRecords(cache.config.records)
    assert.equal(inlineCacheOf(Buffer.from('{}'), descriptors), undefined)
    assert.equal(inlineCacheOf(configOf(records, []), descriptors), undefined)
    assert.equal(inlineCacheOf(configOf(undefined, [digestOf('one')]), descriptors), undefined)
    assert.throws(
      () => inlineCacheOf(configOf(Buffer.from('x'), [digestOf('one')]), descriptors),
      /inline cache/,
    )
  })
})
