import assert from 'node:assert/strict'
import { it } from 'node:test'
import { MemoryStore } from '../../content/memory-store.ts'
import { digestOf } from '../../oci/digest.ts'
import type { ImageStore } from '../../oci/image-store.ts'
import { parseReference } from '../../oci/reference.ts'
import type { SourceContext } from '../source-context.ts'
import { resolveRoot } from './resolve-image.ts'

it('A tag whose manifest came from its repository before is looked up without fetching that again.', async () => {
  const bytes = Buffer.from(
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
  )
  const descriptor = {
    mediaType: 'application/vnd.oci.image.index.v1+json',
    digest: digestOf(bytes),
    size: bytes.length,
  }
  const calls: string[] = []
  const remote = {
    async head(target: string) {
      calls.push(`head ${target}`)
      return descriptor
    },
    async resolve(target: string) {
      calls.push(`resolve ${target}`)
      return { descriptor, bytes }
    },
  } as unknown as ImageStore
  const origins = new Set<string>()
  const known = {
    content: new MemoryStore(),
    origins: {
      has: (digest: string, repository: string) => origins.has(`${repository} ${digest}`),
      hasAny: (repository: string) => [...origins].some(one => one.startsWith(`${repository} `)),
      add: (digest: string, repository: string) => void origins.add(`${repository} ${digest}`),
    },
  }
  const lookup = { remote: () => remote, local: () => remote }
  const ctx = { signal: AbortSignal.timeout(10_000) } as unknown as SourceContext
  for (let i = 0; i < 2; i++) {
    const { root } = await resolveRoot(parseReference('alpine:3'), 'default', lookup, known, ctx)
    assert.equal(root.descriptor.digest, descriptor.digest)
  }
  assert.deepEqual(calls, ['resolve 3', 'head 3'])
})
