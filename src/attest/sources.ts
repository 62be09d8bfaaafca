import type { Platform } from '../oci/descriptor.ts'

/** An image that a build took. */
export interface ImageOrigin {
  /** Full name: `docker.io/library/alpine:3.22`. */
  readonly reference: string
  readonly platform?: Platform
  /** What the name stood for; an index, where it is one. */
  readonly digest?: string
  /** From an OCI layout of the client. */
  readonly local: boolean
}

/** A file that a build took from a repository, by the digest of its blob. */
export interface BlobOrigin {
  /** `docker.io/library/app@sha256:…` */
  readonly reference: string
  readonly digest: string
  /** From an OCI layout of the client. */
  readonly local: boolean
}

/** A commit that a build took; `url` with `#ref`. */
export interface GitOrigin {
  readonly url: string
  readonly commit: string
  /** The bundle that stood for the remote: `<scheme>://<name>@<digest>`. */
  readonly bundle?: string
}

/** A file at a URL. */
export interface HttpOrigin {
  readonly url: string
  readonly digest: string
}

/** A request of a step, through a proxy, for something that is not known by digest. */
export interface UnknownRequest {
  /** Digest of the step. */
  readonly op: string
  /** The step's arguments. */
  readonly name: string
  readonly method: string
  readonly uri: string
  /** `unsuccessful_response` and the like. */
  readonly reason: string
}

/** What was asked for while a step worked. */
export interface StepRequests {
  /** Files by URL; `sha256` hexadecimal. */
  readonly fetched: readonly { readonly url: string; readonly sha256: string }[]
  readonly unknown: readonly { readonly method: string; readonly url: string; readonly reason: string }[]
}

/** A secret or an agent by its id; optional where the step does without. */
export interface NamedSecret {
  readonly id: string
  readonly optional: boolean
}

/** All that came from outside. */
export interface Sources {
  readonly images: readonly ImageOrigin[]
  readonly blobs: readonly BlobOrigin[]
  readonly git: readonly GitOrigin[]
  readonly http: readonly HttpOrigin[]
  /** Names of directories of the client. */
  readonly locals: readonly string[]
}
