import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Attestation } from './export-source.ts'
import type { ImageLayer } from './image-layers.ts'
import { withLayers } from './sbom-layers.ts'
import { inTotoStatement } from './statement.ts'

const attestation = (predicate: unknown, more: Partial<Attestation> = {}): Attestation => ({
  predicateType: 'https://spdx.dev/Document',
  predicate: async () => Buffer.from(JSON.stringify(predicate)),
  subjects: [],
  sbomCore: false,
  inlineOnly: false,
  path: 'sbom.spdx.json',
  ...more,
})

describe('statements', () => {
  const exported = [{ name: 'pkg:docker/a@1', digest: { sha256: '1' } }]

  it('are about what is exported unless they say something else', async () => {
    const json = await inTotoStatement(attestation({ a: 1 }), exported)
    assert.deepEqual(json, {
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'https://spdx.dev/Document',
      subject: exported,
      predicate: { a: 1 },
    })
  })

  it('may name it once more, and name others by their digests', async () => {
    const subjects = [
      { kind: 'self', name: 'extra', digests: [] },
      { kind: 'raw', name: '', digests: ['sha256:2'] },
    ] as const
    const json = (await inTotoStatement(attestation({}, { subjects }), exported)) as {
      subject: { name: string }[]
    }
    assert.deepEqual(
      json.subject.map(one => one.name),
      ['pkg:docker/a@1', 'extra', '_'],
    )
  })
})

describe('bills of materials', () => {
  const layer = (digest: string): ImageLayer =>
    ({ descriptor: { digest, mediaType: 'x', size: 1 }, diffId: digest }) as unknown as ImageLayer

  it('get the layer of each file; links on the way are not followed', async t => {
    const root = mkdtempSync(join(tmpdir(), 'sbom-'))
    t.after(() => rmSync(root, { recursive: true }))
    for (const name of ['low', 'high']) mkdirSync(join(root, name, 'dir'), { recursive: true })
    writeFileSync(join(root, 'low/dir/a'), '')
    writeFileSync(join(root, 'low/dir/b'), '')
    writeFileSync(join(root, 'high/dir/b'), '')
    symlinkSync('/etc', join(root, 'high/link'))
    const files = ['/dir/a', 'dir/b', '/none', '/link/passwd', '/../../etc/passwd'].map(fileName => ({
      fileName,
    }))
    const document = {
      spdxVersion: 'SPDX-2.3',
      files: [...files, { fileName: '/dir/a', comment: 'mine' }],
      creationInfo: { creators: ['Tool: x'] },
    }
    const done = await withLayers(
      attestation(document, { sbomCore: true }),
      [layer('low'), layer('high')],
      async () => [join(root, 'low'), join(root, 'high')],
    )
    const result = JSON.parse(Buffer.from(await done.predicate()).toString()) as {
      files: { comment?: string }[]
      creationInfo: { creators: string[] }
    }
    assert.deepEqual(
      result.files.map(file => file.comment),
      ['layerID: low', 'layerID: high', undefined, undefined, undefined, 'mine'],
    )
    assert.deepEqual(result.creationInfo.creators, ['Tool: x', 'Tool: buildkit-v0.32.2'])
  })

  it('of other things stay as they are', async () => {
    const other = attestation({ spdxVersion: 'SPDX-2.3' })
    assert.equal(await withLayers(other, [], async () => []), other)
    const broken = attestation('no document', { sbomCore: true })
    assert.equal(await withLayers(broken, [], async () => []), broken)
  })
})
