import { type Digest, digestOf, isDigest } from '../../oci/digest.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { parseManifest } from '../../oci/manifest.ts'

/** A manifest as it was put: its bytes and the type under which it came. */
export interface StoredDocument {
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/** An upload in progress. */
export interface OpenUpload {
  readonly repository: string
  readonly chunks: Uint8Array[]
}

/** What an in-process registry holds; tests may look at it and change it. */
export class RegistryContent {
  /** Blobs of all repositories, by `repository@digest`. */
  readonly blobs = new Map<string, Uint8Array>()
  /** Manifests by `repository@digest`. */
  readonly manifests = new Map<string, StoredDocument>()
  /** Digests by `repository:tag`. */
  readonly tags = new Map<string, Digest>()
  readonly uploads = new Map<string, OpenUpload>()

  addBlob(repository: string, bytes: Uint8Array | string): Digest {
    const content = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
    const digest = digestOf(content)
    this.blobs.set(`${repository}@${digest}`, content)
    return digest
  }

  addManifest(repository: string, document: StoredDocument, tag?: string): Digest {
    const digest = digestOf(document.bytes)
    this.manifests.set(`${repository}@${digest}`, document)
    if (tag !== undefined) this.tags.set(`${repository}:${tag}`, digest)
    return digest
  }

  manifest(
    repository: string,
    target: string,
  ): { readonly digest: Digest; readonly document: StoredDocument } | undefined {
    const digest = isDigest(target) ? target : this.tags.get(`${repository}:${target}`)
    const document = digest === undefined ? undefined : this.manifests.get(`${repository}@${digest}`)
    return digest === undefined || document === undefined ? undefined : { digest, document }
  }

  tagsOf(repository: string): string[] {
    const prefix = `${repository}:`
    return [...this.tags.keys()]
      .filter(key => key.startsWith(prefix))
      .map(key => key.slice(prefix.length))
      .sort()
  }

  /** Manifests of the repository that name `subject`. */
  referrersOf(repository: string, subject: Digest): Descriptor[] {
    const found: Descriptor[] = []
    for (const [key, { mediaType, bytes }] of this.manifests) {
      if (!key.startsWith(`${repository}@`)) continue
      const parsed = parseManifest(bytes, mediaType)
      const document = parsed.kind === 'index' ? parsed.index : parsed.manifest
      if (document.subject?.digest !== subject) continue
      const artifactType =
        document.artifactType ?? (parsed.kind === 'manifest' ? parsed.manifest.config.mediaType : '')
      const { annotations = {} } = document
      found.push({ mediaType, digest: digestOf(bytes), size: bytes.length, artifactType, annotations })
    }
    return found
  }
}
