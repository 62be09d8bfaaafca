import type { CompressionOptions } from './compression-options.ts'
import type { ExportContext } from './export-context.ts'
import type { ImageLayer } from './image-layers.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Ref } from '../snapshot/ref.ts'

/** A build's result for one platform. */
export interface PlatformResult {
  /** As in `refs.platforms`: `linux/arm64`, or what the frontend chose. */
  readonly id: string
  readonly platform: Platform
  /** Undefined for an empty root. */
  readonly ref: Ref | undefined
  /** Image configuration that the frontend made, without layers. */
  readonly config?: Uint8Array
  /** Configuration of the base image, whose history keeps its times. */
  readonly baseConfig?: Uint8Array
  readonly attestations: readonly Attestation[]
  /** There is an index and a manifest of statements even if all of the bundles that should have brought some were empty. */
  readonly attested?: boolean
  /** Seconds since 1970 that times of the result are clamped to. */
  readonly epoch?: number
}

/** A statement about a result: an in-toto predicate, made or found. */
export interface Attestation {
  readonly predicateType: string
  /** JSON bytes of the predicate; made at export, when all is known. */
  readonly predicate: () => Promise<Uint8Array>
  /** What it is about; empty for what is exported. */
  readonly subjects: readonly AttestationSubject[]
  /** A bill of materials of the result itself, which gets the layers of its files. */
  readonly sbomCore: boolean
  /** Only for images that have an index anyway. */
  readonly inlineOnly: boolean
  /** Name of the file that local exports write. */
  readonly path: string
}

/** `self`: what is exported, under a further name; `raw`: something else, by its digests. */
export interface AttestationSubject {
  readonly kind: 'self' | 'raw'
  /** Empty for none. */
  readonly name: string
  readonly digests: readonly string[]
}

/** The cache that an image brings along, as its configuration takes it; undefined where there is nothing to say. */
export type InlineCacheOf = (
  result: PlatformResult,
  layers: readonly ImageLayer[],
  compression: CompressionOptions,
  ctx: ExportContext,
) => Promise<Uint8Array | undefined>

/** What a build produced, ready to be exported. */
export interface ExportSource {
  /** In the order asked for; one entry with the worker's platform where the frontend names none. */
  readonly results: readonly PlatformResult[]
  /** Results are kept apart by platform even where there is only one. */
  readonly multiPlatform: boolean
  /** Metadata of the result as the frontend gave it. */
  readonly metadata: ReadonlyMap<string, Uint8Array>
  /** Results as an earlier BuildKit made them: `compatibility.ts`. The current one where absent. */
  readonly compatibility?: number
  /** Present where images are to bring their cache along. */
  readonly inlineCache?: InlineCacheOf
}
