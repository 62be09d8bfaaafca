import type { Platform } from '../oci/descriptor.ts'

/** One output, or one cache: a type with its options, as flags and bake files spell them. */
export interface TypedEntry {
  readonly type: string
  readonly attrs: Readonly<Record<string, string>>
}

/** An output with the place on this machine that it goes to. */
export interface OutputEntry extends TypedEntry {
  /** Directory or file; `-` is standard output. */
  readonly dest?: string
}

/** A secret: where its bytes come from. */
export interface SecretEntry {
  readonly id: string
  readonly source: { readonly kind: 'file'; readonly path: string } | { readonly kind: 'env'; readonly name: string }
}

/** An SSH agent or keys to forward. */
export interface SshEntry {
  readonly id: string
  readonly paths: readonly string[]
}

/** Everything one build is asked for, with flags and files read and checked. */
export interface BuildRequest {
  /** Directory, git or http URL, or `-`. */
  readonly context: string
  /** As given; undefined for the default. `-` is standard input. */
  readonly dockerfile?: string
  /** Text that stands for the file. */
  readonly dockerfileInline?: string
  readonly contexts: Readonly<Record<string, string>>
  readonly platforms: readonly Platform[]
  /** Full references. */
  readonly tags: readonly string[]
  readonly buildArgs: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly target?: string
  readonly noCache: boolean
  readonly noCacheFilter: readonly string[]
  readonly pull: boolean
  readonly outputs: readonly OutputEntry[]
  readonly cacheFrom: readonly TypedEntry[]
  readonly cacheTo: readonly TypedEntry[]
  readonly secrets: readonly SecretEntry[]
  readonly ssh: readonly SshEntry[]
  /** Statements wanted: type to attributes, as they go to the frontend. */
  readonly attests: Readonly<Record<string, string>>
  readonly allow: readonly string[]
  readonly network?: string
  readonly extraHosts: readonly string[]
  /** Bytes. */
  readonly shmSize?: number
  readonly ulimits: readonly string[]
  readonly cgroupParent?: string
  readonly resources: Readonly<Record<string, string>>
  /** Frontend request (`frontend.lint` and the like) instead of a build. */
  readonly call?: string
}
