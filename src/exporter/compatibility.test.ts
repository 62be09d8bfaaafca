import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCompatibility } from './compatibility.ts'
import type { Attestation, ExportSource } from './export-source.ts'
import { readImageOptions } from './image-options.ts'

const sourceOf = (compatibility: number, attestations: readonly Attestation[] = []): ExportSource => ({
  results: [
    { id: 'linux/amd64', platform: { os: 'linux', architecture: 'amd64' }, ref: undefined, attestations },
  ],
  multiPlatform: false,
  metadata: new Map(),
  compatibility,
})

test('clients ask for results as earlier releases made them', () => {
  assert.deepEqual([0, 10, 20, 30].map(readCompatibility), [30, 10, 20, 30])
  const message = 'unsupported compatibility-version 11 (supported: [10 20 30])'
  assert.throws(() => readCompatibility(11), { code: 'invalid-argument', message })
  const newer = 'unsupported compatibility-version 31: upgrade buildkit (max supported: 30)'
  assert.throws(() => readCompatibility(31), { code: 'invalid-argument', message: newer })
})

test("old images have Docker's types, unless they carry statements", () => {
  const read = (...given: Parameters<typeof readImageOptions>): [oci: boolean, artifact: boolean] => {
    const { oci, ociArtifact } = readImageOptions(...given)
    return [oci, ociArtifact]
  }
  assert.deepEqual(read({}, 'image', sourceOf(30)), [true, true])
  assert.deepEqual(read({}, 'image', sourceOf(20)), [false, false])
  assert.deepEqual(read({}, 'docker', sourceOf(20)), [false, false])
  assert.deepEqual(read({}, 'oci', sourceOf(20)), [true, false])
  assert.deepEqual(read({}, 'image', sourceOf(20, [{} as Attestation])), [true, false])
  const given = { 'oci-mediatypes': 'true', 'oci-artifact': 'true' }
  assert.deepEqual(read(given, 'image', sourceOf(10)), [true, true])
  const conflict = { message: 'exporter option "compression=estargz" conflicts with "oci-mediatypes=false"' }
  assert.throws(() => read({ compression: 'estargz' }, 'image', sourceOf(20)), conflict)
})

test('what the oldest images could not be is refused', () => {
  const attrs = { compression: 'zstd', 'oci-mediatypes': 'true' }
  readImageOptions(attrs, 'oci', sourceOf(20))
  readImageOptions(attrs, 'oci')
  const feature = 'oci exporter compression=zstd'
  assert.throws(() => readImageOptions(attrs, 'oci', sourceOf(10)), {
    code: 'unimplemented',
    message: `unsupported compatibility-version 10 feature ${feature}`,
    details: [{ type: 'errdefs.CompatibilityFeature', version: 10, feature }],
  })
})
