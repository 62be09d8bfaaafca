import type { State } from '../../llb/state.ts'
import type { ResolveMode } from '../../llb/source.ts'
import type { Platform } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { ImageConfig } from '../../oci/image-config.ts'

/** Which image of a name is wanted, and under what name its lookup is shown. */
export interface ImageRequest {
  readonly platform: Platform
  readonly resolveMode: ResolveMode
  readonly logName: string
}

/** What a name stands for: possibly another name, the digest of manifest or index, the image's configuration. */
export interface ResolvedImage {
  readonly name: string
  readonly digest: Digest | undefined
  readonly config: Uint8Array
}

/** How a named context is to be loaded. */
export interface NamedContextRequest {
  /** Undefined for the platform of the target. */
  readonly platform: Platform | undefined
  readonly resolveMode: ResolveMode
  /** Paths that are used of a local one; asked when the graph is marshalled. Undefined for all. */
  readonly paths: () => readonly string[] | undefined
}

/** Content that replaces an image or a stage of the same name. */
export interface NamedContext {
  load(signal?: AbortSignal): Promise<{ readonly state: State; readonly image: ImageConfig | undefined }>
}

/** What the conversion asks of the one who builds. */
export interface ConvertHost {
  resolveImage(name: string, request: ImageRequest, signal?: AbortSignal): Promise<ResolvedImage>
  /** The context of that name; throws `invalid-argument` for what cannot be a name. */
  namedContext(name: string, request: NamedContextRequest): NamedContext | undefined
  /** The build context, reduced to `paths` where given. */
  mainContext(paths: readonly string[] | undefined, signal?: AbortSignal): Promise<State>
  /** Patterns of .dockerignore; empty where the context is not local. */
  ignorePatterns(signal?: AbortSignal): Promise<readonly string[]>
  /** Whether a stage (empty: without name) must not use cached results. */
  isNoCache(stage: string): boolean
  /** The time of a Git commit or of a download, in seconds; undefined where it has none. */
  sourceTime(state: State, logName: string, signal?: AbortSignal): Promise<number | undefined>
}
