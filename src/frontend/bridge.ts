import type { Definition, SourceOp } from '../llb/definition.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { VertexWarning } from '../status/solve-status.ts'
import type { FrontendResult } from './result.ts'
import type { ScannedTree } from './scan/scanned-tree.ts'

/** What a frontend knows of the one that runs it. */
export interface FrontendFacts {
  /** Session of the client; serves local directories that name no other. */
  readonly sessionId: string
  /** Platforms that the builder runs, the native one first; never empty. */
  readonly platforms: readonly Platform[]
  /** That of the machine; completes platform texts that leave something open. */
  readonly hostPlatform: Platform
}

/** How an image is looked up. */
export interface ImageLookup {
  readonly platform: Platform | undefined
  /** `default`, `pull` or `local`. */
  readonly resolveMode: string
  /** Name of the step that shows the lookup. */
  readonly logName: string
  /** Look in this OCI layout of the client instead of a registry. */
  readonly store?: { readonly sessionId: string; readonly storeId: string }
}

/** What an image name stands for. */
export interface ImageMeta {
  /** The name, possibly another one (a source policy may say so). */
  readonly name: string
  /** Of the index, where it is one. */
  readonly digest: Digest | undefined
  readonly config: Uint8Array
}

/** What is known of a source without its content. */
export interface SourceMeta {
  readonly git?: { readonly commitObject: Uint8Array | undefined }
  /** `lastModified` in seconds since 1970. */
  readonly http?: { readonly lastModified: number | undefined }
}

/** A cache to import from. */
export interface CacheImport {
  readonly type: string
  readonly attributes: Readonly<Record<string, string>>
}

/** A request to build a tree. */
export interface SolveRequest {
  readonly definition: Definition
  /** Build it now, not when it is looked at. */
  readonly evaluate?: boolean
  readonly cacheImports?: readonly CacheImport[]
}

/** A request to run another frontend, an image. */
export interface ForwardRequest {
  /** `gateway.v0` */
  readonly frontend: string
  /** All attributes, with `source` (the image) and `cmdline` added. */
  readonly attributes: Readonly<Record<string, string>>
  readonly inputs: Readonly<Record<string, Definition>>
}

/** Part of a file; bytes. */
export interface FileRange {
  readonly offset: number
  readonly length: number
}

/**
 * What a frontend may ask of the engine. `Ref` is the engine's handle of a tree, undefined for the empty one. Everything
 * may throw; an aborted signal throws `canceled`.
 */
export interface FrontendBridge<Ref> {
  readonly facts: FrontendFacts
  /**
   * Where a source policy turns the name into something that is no image, throws with a detail of type
   * `slipway.NotAnImage` and the new `identifier` in it.
   */
  resolveImage(name: string, lookup: ImageLookup, signal?: AbortSignal): Promise<ImageMeta>
  /** For Git sources the commit object is wanted. */
  resolveSource(source: SourceOp, logName: string, signal?: AbortSignal): Promise<SourceMeta>
  solve(request: SolveRequest, signal?: AbortSignal): Promise<Ref | undefined>
  /** Throws `not-found`, with the words of open(2). */
  readFile(ref: Ref | undefined, path: string, range?: FileRange, signal?: AbortSignal): Promise<Uint8Array>
  /**
   * The latest modification time (seconds) of the regular files in an archive that is a file of a tree; undefined where it
   * has none, or is no archive.
   */
  archiveTime(ref: Ref | undefined, path: string, signal?: AbortSignal): Promise<number | undefined>
  /** All of a tree, for as long as it is not disposed of; builds it if need be. */
  openTree(ref: Ref | undefined, signal?: AbortSignal): Promise<ScannedTree & Disposable>
  /** Trees that the client gave for the build, by name. */
  inputs(signal?: AbortSignal): Promise<Readonly<Record<string, Definition>>>
  /** Runs another frontend; its result is passed on as it is. */
  forward(request: ForwardRequest, signal?: AbortSignal): Promise<FrontendResult<Ref>>
  warn(warning: VertexWarning): void
  /** Shows a line among the steps of the build, once. */
  note(text: string): Promise<void>
}
