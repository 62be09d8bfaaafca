import type { Digest } from './digest.ts'

/** Platform as indexes and image configs spell it. Source: OCI image-spec 1.1 image-index.md, "platform". */
export interface Platform {
  readonly architecture: string
  readonly os: string
  readonly variant?: string
  readonly 'os.version'?: string
  readonly 'os.features'?: readonly string[]
}

/** A reference to content by digest. `size` in bytes. Source: OCI image-spec 1.1 descriptor.md. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: Platform
  readonly urls?: readonly string[]
  readonly artifactType?: string
  /** Base64 of the content itself, for small blobs. */
  readonly data?: string
}
