import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { collectText } from '../../bytes/collect.ts'
import { annotation } from '../../oci/annotations.ts'
import { digestOf } from '../../oci/digest.ts'
import { describeBytes, marshalManifest } from '../../oci/manifest.ts'
import { mediaType } from '../../oci/media-type.ts'
import { imageStoreContract } from '../testing/image-store-contract.ts'
import { blobOf, putImage, putIndex } from '../testing/test-client.ts'
import { blobPath } from './blob.ts'
import { LayoutStore } from './layout-store.ts'
import { formatLayoutLocation, parseLayoutLocation } from './location.ts'

async function opened() {
  const parent = await mkdtemp(join(tmpdir(), 'slipway-layout-'))
  const directory = join(parent, 'layout')
  return {
    directory,
    store: new LayoutStore(directory),
    [Symbol.asyncDispose]: () => rm(parent, { recursive: true }),
  }
}

const json = async (...path: string[]): Promise<unknown> => JSON.parse(await readFile(join(...path), 'utf8'))

describe('parseLayoutLocation', () => {
  const digest = digestOf('x')
  const table: readonly [text: string, expected: ReturnType<typeof parseLayoutLocation>][] = [
    ['oci-layout:///path/to/oci', { directory: '/path/to/oci', tag: 'latest' }],
    ['oci-layout:///path/to/oci:1.3', { directory: '/path/to/oci', tag: '1.3' }],
    [`oci-layout:///path/to/oci@${digest}`, { directory: '/path/to/oci', digest }],
    [`oci-layout:///path/@/oci:1.3@${digest}`, { directory: '/path/@/oci', tag: '1.3', digest }],
    ['oci-layout:///path/@/oci', { directory: '/path/@/oci', tag: 'latest' }],
    ['oci-layout://a:1.3', { directory: 'a', tag: '1.3' }],
    ['oci-layout:///a:b/c', { directory: '/a:b/c', tag: 'latest' }],
    ['alpine:latest', undefined],
  ]
  for (const [text, expected] of table) {
    it(`reads ${text}`, () => {
      assert.deepEqual(parseLayoutLocation(text), expected)
      if (expected !== undefined)
        assert.deepEqual(parseLayoutLocation(formatLayoutLocation(expected)), expected)
    })
  }

  it('refuses a digest of another form', () => {
    assert.throws(() => parseLayoutLocation(`oci-layout://a@sha256:${'a'.repeat(32)}`), {
      code: 'invalid-argument',
    })
  })
})

describe('a layout directory', () => {
  imageStoreContract(opened)

  it('has the files that the spec wants, and nothing else', async () => {
    await using o = await opened()
    const image = await putImage(o.store, { tag: 'v1' })
    assert.deepEqual((await readdir(o.directory)).sort(), ['blobs', 'index.json', 'oci-layout'])
    assert.equal(await readFile(join(o.directory, 'oci-layout'), 'utf8'), '{"imageLayoutVersion":"1.0.0"}')
    assert.equal(
      await readFile(join(o.directory, 'index.json'), 'utf8'),
      `{"schemaVersion":2,"mediaType":"${mediaType.ociIndex}","manifests":[{"mediaType":"${mediaType.ociManifest}","digest":"${image.descriptor.digest}","size":${image.descriptor.size},"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}`,
    )
    assert.equal((await readdir(join(o.directory, 'blobs/sha256'))).length, 3)
  })

  it('lists a root without a tag once, and a part of an image not at all', async () => {
    await using o = await opened()
    const image = await putImage(o.store)
    const index = await putIndex(o.store, [image.descriptor])
    await o.store.putManifest(index.descriptor, index.bytes, { root: true })
    await o.store.putManifest(index.descriptor, index.bytes, { root: true })
    const { manifests } = (await json(o.directory, 'index.json')) as { manifests: { digest: string }[] }
    assert.deepEqual(
      manifests.map(d => d.digest),
      [index.descriptor.digest],
    )
  })

  it('finds a tag by full image name before the short one, as containerd writes it', async () => {
    await using o = await opened()
    const one = await putImage(o.store, { tag: 'v1', layers: ['1'] })
    const two = await putImage(o.store, { layers: ['2'] })
    const entry = (d: object, annotations: object): object => ({ ...d, annotations })
    await writeFile(
      join(o.directory, 'index.json'),
      JSON.stringify({
        schemaVersion: 2,
        manifests: [
          entry(one.descriptor, { [annotation.refName]: 'docker.io/me/a:1' }),
          entry(two.descriptor, { [annotation.refName]: '1', [annotation.imageName]: 'docker.io/me/a:1' }),
        ],
      }),
    )
    assert.equal((await o.store.head('docker.io/me/a:1'))?.digest, two.descriptor.digest)
    assert.equal((await o.store.head('1'))?.digest, two.descriptor.digest)
    assert.deepEqual(await o.store.tags(), ['docker.io/me/a:1', '1'])
  })

  it('finds attestations in an index as referrers, and drops list entries that an image has come to reach', async () => {
    await using o = await opened()
    const image = await putImage(o.store)
    const empty = blobOf('{}', mediaType.ociEmpty)
    await o.store.putBlob(empty.descriptor, empty.open)
    const bytes = marshalManifest({
      schemaVersion: 2,
      mediaType: mediaType.ociManifest,
      artifactType: 'a/t',
      config: empty.descriptor,
      layers: [],
      subject: image.descriptor,
    })
    const attestation = describeBytes(bytes, mediaType.ociManifest)
    await o.store.putManifest(attestation, bytes)
    const roots = async (): Promise<number> =>
      ((await json(o.directory, 'index.json')) as { manifests: [] }).manifests.length
    assert.equal(await roots(), 1)
    await putIndex(
      o.store,
      [
        image.descriptor,
        { ...attestation, annotations: { [annotation.referenceDigest]: image.descriptor.digest } },
      ],
      { tag: 'v1' },
    )
    assert.equal(await roots(), 1)
    const found = await o.store.referrers(image.descriptor.digest, { artifactTypes: ['a/t'] })
    assert.deepEqual(
      found.map(d => d.digest),
      [attestation.digest],
    )
  })

  it('keeps all tags that are put at the same time', async () => {
    await using o = await opened()
    const tags = Array.from({ length: 20 }, (_, i) => `t${i}`)
    await Promise.all(tags.map(tag => putImage(o.store, { tag, layers: [tag] })))
    assert.deepEqual([...(await o.store.tags())].sort(), [...tags].sort())
  })

  it('asks for the lock around every change', async () => {
    await using o = await opened()
    const log: string[] = []
    const store = new LayoutStore(o.directory, {
      lock: async path => {
        log.push(path)
        return { [Symbol.dispose]: () => void log.push('released') }
      },
    })
    await putImage(store, { tag: 'v1' })
    assert.deepEqual(log, [join(o.directory, 'index.json.lock'), 'released'])
  })

  it('finds out altered blobs, pipes in their place, and a broken index', async () => {
    await using o = await opened()
    const { layers, descriptor } = await putImage(o.store, { tag: 'v1' })
    const layer = layers[0] ?? assert.fail()
    const read = (): Promise<string> => collectText(o.store.fetch(layer), { limit: 100 })
    await writeFile(blobPath(o.directory, layer.digest), 'alter')
    await assert.rejects(read(), { code: 'data-loss' })
    await rm(blobPath(o.directory, layer.digest))
    execFileSync('mkfifo', [blobPath(o.directory, layer.digest)])
    await assert.rejects(read(), { code: 'invalid-argument', message: /is not a regular file$/ })
    await writeFile(blobPath(o.directory, descriptor.digest), '{}')
    await assert.rejects(o.store.resolve('v1'), { code: 'data-loss' })
    await writeFile(join(o.directory, 'index.json'), '{"manifests":')
    await assert.rejects(o.store.resolve('v1'), { code: 'invalid-argument' })
  })

  it('says so where there is no layout', async () => {
    await using o = await opened()
    await assert.rejects(o.store.check(), {
      code: 'not-found',
      message: /^could not read .*index.json: open .*: no such file/,
      hint: /is not an OCI layout directory/,
    })
    await assert.rejects(o.store.resolve('v1'), {
      message: `reference oci-layout://${o.directory}:v1 not found: not found`,
    })
  })

  it('leaves nothing behind when a blob is cut short', async () => {
    await using o = await opened()
    const { descriptor } = blobOf('whole')
    await assert.rejects(o.store.putBlob(descriptor, blobOf('who').open), { code: 'data-loss' })
    assert.deepEqual(await readdir(o.directory), ['blobs'])
    await mkdir(join(o.directory, 'x'))
  })
})
