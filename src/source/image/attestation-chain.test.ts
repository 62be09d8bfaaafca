import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryStore } from '../../content/memory-store.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { digestOf } from '../../oci/digest.ts'
import type { ImageStore } from '../../oci/image-store.ts'
import { mediaType } from '../../oci/media-type.ts'
import type { SourceContext } from '../source-context.ts'
import { attestationChain } from './attestation-chain.ts'
import type { ManifestOrigins } from './manifest-origins.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const provenance = 'https://slsa.dev/provenance/v1'

/** A repository with a signed image. */
class Repository {
  readonly documents = new Map<string, Uint8Array>()
  readonly referrers = new Map<string, Descriptor[]>()

  add(value: unknown, type: string, more: Partial<Descriptor> = {}): Descriptor {
    const bytes = Buffer.from(JSON.stringify(value))
    const descriptor = { mediaType: type, digest: digestOf(bytes), size: bytes.length, ...more }
    this.documents.set(descriptor.digest, bytes)
    return descriptor
  }

  manifest(layers: readonly Descriptor[], more: Partial<Descriptor> = {}): Descriptor {
    const config = this.add({}, 'application/vnd.oci.empty.v1+json')
    const value = { schemaVersion: 2, mediaType: mediaType.ociManifest, config, layers }
    return this.add(value, mediaType.ociManifest, more)
  }

  index(manifests: readonly Descriptor[], annotations: Record<string, string> = {}): Descriptor {
    const value = { schemaVersion: 2, mediaType: mediaType.ociIndex, manifests, annotations }
    return this.add(value, mediaType.ociIndex)
  }

  async chain(root: Descriptor, types: readonly string[] = []) {
    const store = {
      fetch: async function* (this: void, { digest }: Descriptor) {
        yield documents.get(digest) ?? assert.fail(digest)
      },
      referrers: async (digest: string) => this.referrers.get(digest) ?? [],
    } as unknown as ImageStore
    const { documents } = this
    const known = { content: new MemoryStore(), origins: {} as ManifestOrigins }
    const ctx = { signal: new AbortController().signal } as SourceContext
    const bytes = documents.get(root.digest) ?? assert.fail()
    return await attestationChain({ root: { descriptor: root, bytes }, store }, platform, types, known, ctx)
  }
}

describe('where an image comes from', () => {
  const about = (image: Descriptor): Record<string, string> => ({
    'vnd.docker.reference.type': 'attestation-manifest',
    'vnd.docker.reference.digest': image.digest,
  })

  it('is told by the statements of its platform, a signature of them, and the statements that are wanted', async () => {
    const repository = new Repository()
    const image = repository.manifest([], { platform })
    const other = repository.manifest([repository.add(1, 'x')], {
      platform: { ...platform, architecture: 's390x' },
    })
    const wanted = repository.add({ a: 1 }, 'application/vnd.in-toto+json', {
      annotations: { 'in-toto.io/predicate-type': provenance },
    })
    const unwanted = repository.add({ b: 1 }, 'application/vnd.in-toto+json', {
      annotations: { 'in-toto.io/predicate-type': 'other' },
    })
    const statements = repository.manifest([wanted, unwanted], { annotations: about(image) })
    const bundle = repository.add({ c: 1 }, 'application/vnd.dev.sigstore.bundle.v0.3+json')
    const signature = repository.manifest([bundle], { artifactType: bundle.mediaType })
    const cosign = repository.manifest([wanted], {
      artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json',
    })
    repository.referrers.set(statements.digest, [cosign, signature])
    const root = repository.index([other, image, statements])
    const chain = await repository.chain(root, [provenance])
    assert.deepEqual(
      [chain?.root, chain?.imageManifest, chain?.attestationManifest, chain?.signatureManifests],
      [root.digest, image.digest, statements.digest, [signature.digest]],
    )
    const names = [root, statements, signature, bundle, wanted].map(({ digest }) => digest)
    assert.deepEqual([...(chain?.blobs.keys() ?? [])], names)
    assert.equal(Buffer.from(chain?.blobs.get(wanted.digest)?.bytes ?? []).toString(), '{"a":1}')
  })

  it('is not known of an image without statements, nor of one without an index', async () => {
    const repository = new Repository()
    const image = repository.manifest([], { platform })
    const chain = await repository.chain(repository.index([image]))
    assert.deepEqual([chain?.attestationManifest, chain?.signatureManifests], [undefined, []])
    assert.equal(await repository.chain(image), undefined)
  })

  it('is told by referrers of hardened images', async () => {
    const repository = new Repository()
    const image = repository.manifest([], { platform, annotations: { 'com.docker.dhi.build.id': '1' } })
    const root = repository.index([image], { 'org.opencontainers.image.title': 'dhi/app' })
    await assert.rejects(repository.chain(root), { code: 'not-found' })
    const statements = repository.manifest([], {
      artifactType: 'application/vnd.in-toto+json',
      annotations: { 'in-toto.io/predicate-type': provenance },
    })
    repository.referrers.set(image.digest, [statements])
    assert.equal((await repository.chain(root))?.attestationManifest, statements.digest)
  })
})
