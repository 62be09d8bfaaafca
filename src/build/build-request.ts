import type { CacheEntry } from '../bake/attrs/cache-entry.ts'
import type { ExportEntry } from '../bake/attrs/export-entry.ts'
import type { SecretEntry } from '../bake/attrs/secret-entry.ts'
import type { SshEntry } from '../bake/attrs/ssh-entry.ts'
import type { Platform } from '../oci/descriptor.ts'

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
  readonly outputs: readonly ExportEntry[]
  /** Outputs may remove what else is in their directory, wherever it is; absent: that was asked before. */
  readonly localDelete?: boolean
  readonly cacheFrom: readonly CacheEntry[]
  readonly cacheTo: readonly CacheEntry[]
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
