import type { AttestEntry } from './attrs/attest-entry.ts'
import type { CacheEntry } from './attrs/cache-entry.ts'
import type { ExportEntry } from './attrs/export-entry.ts'
import type { PolicyEntry } from './attrs/policy-entry.ts'
import type { Resources } from './attrs/resources.ts'
import type { SecretEntry } from './attrs/secret-entry.ts'
import type { SshEntry } from './attrs/ssh-entry.ts'

/** A group of a bake definition. */
export interface Group {
  readonly name: string
  readonly description: string
  readonly targets: readonly string[]
  /** The targets were given as null, which `--print` shows. */
  readonly isNull?: boolean
}

/** Names to texts; `undefined` stands for a null that says nothing about the name. */
export type OptionalTexts = ReadonlyMap<string, string | undefined>

/**
 * A target of a bake definition. An absent field is one that nothing was said about; an empty list was said.
 * Source: https://github.com/docker/buildx/blob/v0.36.1/docs/bake-reference.md#target.
 */
export interface Target {
  readonly name: string
  readonly description?: string
  readonly inherits?: readonly string[]
  readonly annotations?: readonly string[]
  readonly attest?: readonly AttestEntry[]
  readonly context?: string
  readonly contexts?: ReadonlyMap<string, string>
  readonly dockerfile?: string
  readonly dockerfileInline?: string
  readonly args?: OptionalTexts
  readonly labels?: OptionalTexts
  readonly tags?: readonly string[]
  readonly cacheFrom?: readonly CacheEntry[]
  readonly cacheTo?: readonly CacheEntry[]
  readonly target?: string
  readonly secrets?: readonly SecretEntry[]
  readonly ssh?: readonly SshEntry[]
  readonly platforms?: readonly string[]
  readonly outputs?: readonly ExportEntry[]
  readonly pull?: boolean
  readonly noCache?: boolean
  readonly network?: string
  readonly noCacheFilter?: readonly string[]
  readonly shmSize?: string
  readonly ulimits?: readonly string[]
  readonly resources?: Resources
  readonly call?: string
  readonly entitlements?: readonly string[]
  readonly extraHosts?: OptionalTexts
  readonly policy?: readonly PolicyEntry[]
  /** Built only because another target uses it as a context. */
  readonly linked?: boolean
  /** What relative context paths start from, where that is the folder of the file they stand in. */
  readonly bases?: PathBases
}

/** Folders of the files that context paths were written in (BUILDX_BAKE_FILE_RELATIVE_PATHS). */
export interface PathBases {
  /** For a target without a context of its own. */
  readonly byDefault?: string
  /** For its context. */
  readonly context?: string
  /** The target whose context the expression names, with that target's folder. */
  readonly contextOf?: string
  readonly contexts?: ReadonlyMap<string, string>
}

/** What the files of a call define. */
export interface Definition {
  readonly groups: readonly Group[]
  readonly targets: readonly Target[]
  /** Absent where no file could have defined any: compose files have none. */
  readonly variables?: readonly Variable[]
}

/** A variable as `--list=variables` shows it. */
export interface Variable {
  readonly name: string
  readonly description: string
  /** The type in words, when one was given. */
  readonly type?: string
  /** Absent for null. */
  readonly value?: string
}
