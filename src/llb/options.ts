import type { Range } from '../errors/source-range.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Capability } from './capability.ts'
import type { Definition } from './definition.ts'

/** A file that ops come from, such as a Dockerfile. */
export interface SourceFile {
  readonly filename: string
  readonly language: string
  readonly data: Uint8Array
  /** The graph that yields the file. */
  readonly definition?: Definition | undefined
}

/** A stretch of a source file. */
export interface SourceLocation {
  readonly file: SourceFile
  readonly ranges: readonly Range[]
}

/** Vertices shown as one. `weak`: the group takes another's name where it can. */
export interface ProgressGroup {
  readonly id: string
  readonly name: string
  readonly weak: boolean
}

/** Limits of a step; sizes in bytes, times in microseconds; 0 and the empty text mean "none". */
export interface LinuxResources {
  readonly memory: bigint
  readonly memorySwap: bigint
  readonly cpuShares: bigint
  readonly cpuPeriod: bigint
  readonly cpuQuota: bigint
  readonly cpusetCpus: string
  readonly cpusetMems: string
}

/** What may be said of any op. Only `platform` and `filters` are part of its digest. */
export interface OpOptions {
  readonly platform?: Platform | undefined
  /** Workers that may run it, in containerd's filter syntax. */
  readonly filters?: readonly string[]
  /** Run it although a result is cached. */
  readonly ignoreCache?: boolean
  /** What users see as the name of the step. */
  readonly name?: string | undefined
  /** Further free text by key. */
  readonly description?: Readonly<Record<string, string>>
  /** Whether results go into exported caches; undefined leaves it to the build. */
  readonly exportCache?: boolean
  readonly progressGroup?: ProgressGroup | undefined
  readonly linuxResources?: LinuxResources | undefined
  readonly locations?: readonly SourceLocation[]
}

/** An op's options together with the abilities it needs. */
export interface Metadata extends OpOptions {
  readonly capabilities: readonly Capability[]
}
