import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { collect } from '../bytes/collect.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { describeBytes, marshalIndex, marshalManifest, parseIndex } from '../oci/manifest.ts'
import { mediaType } from '../oci/media-type.ts'
import type { Platform } from '../oci/platform.ts'
import { encodeHeader, endOfArchive, padding } from '../tar/encode-header.ts'
import { noXattrs } from '../tar/entry.ts'
import { readTar } from '../tar/read-tar.ts'
import { mergeOciArchives } from './merge-oci.ts'
import { mergeTars } from './merge-tars.ts'

const dir = mkdtempSync(join(tmpdir(), 'slipway-merge-'))
after(() => rmSync(dir, { recursive: true }))

function tar(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const owner = {
    uid: 0,
    gid: 0,
    devmajor: 0,
    devminor: 0,
    linkname: '',
    mtimeNs: 0n,
    xattrs: noXattrs,
    mode: 0o644,
  }
  const parts = Object.entries(files).flatMap(([name, bytes]) => [
    encodeHeader({ ...owner, type: 'file', name, size: bytes.length }),
    bytes,
    padding(bytes.length),
  ])
  return Buffer.concat([...parts, endOfArchive])
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function contents(archive: AsyncIterable<Uint8Array>): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const { entry, content } of readTar(archive)) {
    async function* bytes(): AsyncGenerator<Uint8Array> {
      for await (const piece of content) yield piece.bytes
    }
    found.set(entry.name, Buffer.from(await collect(bytes(), { limit: 1 << 20 })).toString())
  }
  return found
}

describe('tars of several nodes', () => {
  const long = `${'d/'.repeat(80)}long`
  const first = tar({ 'a/x': Buffer.from('1'), [long]: Buffer.from('2'.repeat(513)) })
  const second = tar({ 'b/y': Buffer.alloc(0), 'b/z': Buffer.from('3'.repeat(1024)) })

  it('become one, however they come', async () => {
    for (const size of [1, 7, 511, 512, 513, 100_000]) {
      const found = await contents(mergeTars([inPieces(first, size), inPieces(second, size)]))
      assert.deepEqual([...found.keys()], ['a/x', long, 'b/y', 'b/z'], `pieces of ${size}`)
      assert.equal(found.get(long), '2'.repeat(513))
    }
  })

  it('that end too early, or are none, are refused', async () => {
    await assert.rejects(contents(mergeTars([inPieces(first.subarray(0, 600), 100)])), { code: 'data-loss' })
    await assert.rejects(contents(mergeTars([inPieces(Buffer.from('x'.repeat(512)), 512)])), {
      code: 'data-loss',
    })
  })
})

describe('OCI archives of several nodes', () => {
  const platform = (architecture: string): Platform => ({ os: 'linux', architecture })

  async function archive(architecture: string): Promise<string> {
    const blobs: Record<string, Uint8Array> = {}
    const put = (bytes: Uint8Array, type: string): Descriptor => {
      const descriptor = describeBytes(bytes, type)
      blobs[`blobs/sha256/${descriptor.digest.slice(7)}`] = bytes
      return descriptor
    }
    const config = put(Buffer.from(`{"architecture":"${architecture}"}`), mediaType.ociConfig)
    const layer = put(Buffer.from('the same layer'), mediaType.ociLayer)
    const manifest = put(
      marshalManifest({ schemaVersion: 2, mediaType: mediaType.ociManifest, config, layers: [layer] }),
      mediaType.ociManifest,
    )
    const index = put(
      marshalIndex({
        schemaVersion: 2,
        mediaType: mediaType.ociIndex,
        manifests: [{ ...manifest, platform: platform(architecture) }],
      }),
      mediaType.ociIndex,
    )
    const named = { ...index, annotations: { 'io.containerd.image.name': 'docker.io/library/x:1' } }
    const top = marshalIndex({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [named] })
    const path = join(dir, architecture)
    await writeFile(path, tar({ ...blobs, 'index.json': top, 'oci-layout': Buffer.from('{}') }))
    return path
  }

  it('become one, with every image in the order asked for and every blob once', async () => {
    const archives = [
      { path: await archive('amd64'), platforms: [platform('amd64')] },
      { path: await archive('arm64'), platforms: [platform('arm64')] },
    ]
    const platforms = [platform('arm64'), platform('amd64')]
    const found = await contents(mergeOciArchives(archives, { platforms, docker: platform('amd64') }))
    const top = parseIndex(Buffer.from(found.get('index.json') ?? ''), mediaType.ociIndex)
    assert.equal(top.manifests[0]?.annotations?.['io.containerd.image.name'], 'docker.io/library/x:1')
    const whole = found.get(`blobs/sha256/${top.manifests[0]?.digest.slice(7)}`) ?? ''
    const { manifests } = parseIndex(Buffer.from(whole), mediaType.ociIndex)
    assert.deepEqual(
      manifests.map(entry => entry.platform?.architecture),
      ['arm64', 'amd64'],
    )
    assert.equal([...found.values()].filter(text => text === 'the same layer').length, 1)
    const [image] = JSON.parse(found.get('manifest.json') ?? '') as {
      Config: string
      RepoTags: string[]
      Layers: string[]
    }[]
    assert.equal(found.get(image?.Config ?? ''), '{"architecture":"amd64"}')
    assert.deepEqual(image?.RepoTags, ['docker.io/library/x:1'])
    assert.deepEqual(
      image?.Layers.map(path => found.get(path)),
      ['the same layer'],
    )
  })
})
