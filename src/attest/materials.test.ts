import assert from 'node:assert/strict'
import { test } from 'node:test'
import { materials } from './materials.ts'

test('a bundle that stood for a repository is a material of its own', () => {
  const none = { images: [], blobs: [], http: [], locals: [] }
  const hex = 'b'.repeat(64)
  const bundle = `oci-layout+blob://not/real@sha256:${hex}`
  const git = [{ url: 'https://host/r.git#v1', commit: 'a'.repeat(40), bundle }]
  assert.deepEqual(materials({ ...none, git }), [
    { uri: 'https://host/r.git#v1', digest: { sha1: 'a'.repeat(40) } },
    {
      uri: 'pkg:oci/not/real@latest?ref_type=bundle&vcs_url=https:%2F%2Fhost%2Fr.git%23v1',
      digest: { sha256: hex },
    },
  ])
})
