import type { Definition } from './definition.ts'
import type { FileAction } from './file-action.ts'
import type { Metadata } from './options.ts'

/** Reads content from somewhere: `docker-image://…`, `local://…`, `git://…`, `https://…`, `oci-layout://…`. */
export interface SourceVertex {
  readonly kind: 'source'
  readonly identifier: string
  /** Keys as in `source-attribute.ts`. */
  readonly attributes: Readonly<Record<string, string>>
  readonly metadata: Metadata
}

/** How steps share a cache directory. */
export type CacheSharing = 'shared' | 'private' | 'locked'

/** A mount of a step. `source` undefined is an empty directory. */
export interface ExecMount {
  readonly target: string
  readonly source: Output | undefined
  /** Path inside the source. */
  readonly selector?: string | undefined
  readonly readonly?: boolean
  /** Writable, but what is written is thrown away. */
  readonly noOutput?: boolean
  readonly cache?: { readonly id: string; readonly sharing: CacheSharing } | undefined
  /** Size in bytes; 0 for no limit. */
  readonly tmpfs?: { readonly size: number } | undefined
  /** Whether the source is keyed by its content; undefined leaves it to the daemon. */
  readonly contentCache?: 'on' | 'off'
}

/** A secret for a step: a file (`target`), a variable (`env`), or both. */
export interface ExecSecret {
  readonly id: string
  readonly target: string | undefined
  readonly env: string | undefined
  readonly uid: number
  readonly gid: number
  readonly mode: number
  readonly optional: boolean
}

/** An SSH agent for a step. An empty target is `/run/buildkit/ssh_agent.N`. */
export interface ExecSsh {
  readonly id: string
  readonly target: string
  readonly uid: number
  readonly gid: number
  readonly mode: number
  readonly optional: boolean
}

/** Proxy settings of a step; empty where not set. */
export interface ProxySettings {
  readonly http: string
  readonly https: string
  readonly ftp: string
  readonly no: string
  readonly all: string
}

/** Runs a process. The mount at `/` is the root; `mounts` are sorted by target. */
export interface ExecVertex {
  readonly kind: 'exec'
  readonly args: readonly string[]
  /** `NAME=value` */
  readonly env: readonly string[]
  readonly cwd: string
  readonly user: string
  readonly hostname: string
  readonly cgroupParent: string
  readonly network: 'sandbox' | 'host' | 'none'
  readonly security: 'sandbox' | 'insecure'
  readonly proxy: ProxySettings | undefined
  readonly extraHosts: readonly { readonly host: string; readonly ip: string }[]
  readonly ulimits: readonly { readonly name: string; readonly soft: bigint; readonly hard: bigint }[]
  /** Exit codes that count as success; undefined for 0 only. */
  readonly validExitCodes: readonly number[] | undefined
  readonly mounts: readonly ExecMount[]
  readonly secrets: readonly ExecSecret[]
  readonly ssh: readonly ExecSsh[]
  readonly devices: readonly { readonly name: string; readonly optional: boolean }[]
  readonly metadata: Metadata
}

/** Changes files of `base`, action by action. */
export interface FileVertex {
  readonly kind: 'file'
  readonly base: Output | undefined
  readonly actions: readonly FileAction[]
  readonly metadata: Metadata
}

/** Lays trees over each other, lowest first. */
export interface MergeVertex {
  readonly kind: 'merge'
  readonly inputs: readonly Output[]
  readonly metadata: Metadata
}

/** What turns `lower` into `upper`. */
export interface DiffVertex {
  readonly kind: 'diff'
  readonly lower: Output | undefined
  readonly upper: Output | undefined
  readonly metadata: Metadata
}

/** A whole graph that came as a definition; its outputs are those of its root. */
export interface ImportedVertex {
  readonly kind: 'imported'
  readonly definition: Definition
}

/** A node of the graph. */
export type Vertex = SourceVertex | ExecVertex | FileVertex | MergeVertex | DiffVertex | ImportedVertex

/**
 * One output of a vertex. `later` stands for one that is decided when the graph is marshalled (the build context, whose
 * paths are only known then); it may turn out to be empty.
 */
export type Output =
  | { readonly kind: 'vertex'; readonly vertex: Vertex; readonly index: number }
  | { readonly kind: 'later'; readonly resolve: () => Output | undefined }

/** An output that is there. */
export type KnownOutput = Extract<Output, { kind: 'vertex' }>

/** The output with every `later` resolved; undefined for the empty tree. */
export function knownOutput(output: Output | undefined): KnownOutput | undefined {
  let current = output
  while (current?.kind === 'later') current = current.resolve()
  return current
}

/** The first (mostly only) output of a vertex. */
export function outputOf(vertex: Vertex, index = 0): KnownOutput {
  return { kind: 'vertex', vertex, index }
}
