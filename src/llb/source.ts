import { goJson } from '../gostd/json.ts'
import { formatReference, parseReference, withDefaultTag } from '../oci/reference.ts'
import { type Capability, capability } from './capability.ts'
import type { OpOptions } from './options.ts'
import { sourceAttribute } from './source-attribute.ts'
import { type State, stateOf } from './state.ts'
import { outputOf } from './vertex.ts'

/** Collects attributes and the abilities they need. */
export class SourceBuilder {
  readonly #attributes: Record<string, string> = {}
  readonly #capabilities = new Set<Capability>()

  /** Sets an attribute where `value` is not empty. */
  set(key: string, value: string | undefined, ...needs: readonly Capability[]): void {
    if (value === undefined || value === '') return
    this.#attributes[key] = value
    this.need(...needs)
  }

  need(...needs: readonly Capability[]): void {
    for (const need of needs) this.#capabilities.add(need)
  }

  build(identifier: string, options: OpOptions): State {
    const metadata = { ...options, capabilities: [...this.#capabilities] }
    const vertex = { kind: 'source' as const, identifier, attributes: this.#attributes, metadata }
    return stateOf(outputOf(vertex), options.platform)
  }
}

/** When a registry is asked for an image that is there: by default, always, or never. */
export type ResolveMode = 'default' | 'pull' | 'local'

/** Options of `image`. */
export interface ImageOptions extends OpOptions {
  readonly resolveMode?: ResolveMode
  /** `internal` keeps it out of the records of the user. */
  readonly recordType?: string
  /** Only the lowest layers. */
  readonly layerLimit?: number
  /** The digest that the manifest must have. */
  readonly checksum?: string
}

/** An image of a registry. Throws `invalid-argument` for what is not an image name. */
export function image(name: string, options: ImageOptions = {}): State {
  const { resolveMode = 'default', recordType, layerLimit, checksum, ...rest } = options
  const source = new SourceBuilder()
  source.need(capability.sourceImage)
  if (resolveMode !== 'default') source.set(sourceAttribute.imageResolveMode, resolveMode)
  if (resolveMode === 'pull') source.need(capability.sourceImageResolveMode)
  source.set(sourceAttribute.imageRecordType, recordType)
  source.set(sourceAttribute.imageLayerLimit, layerLimit?.toString(), capability.sourceImageLayerLimit)
  source.set(sourceAttribute.imageChecksum, checksum, capability.sourceImageChecksum)
  return source.build(`docker-image://${formatReference(withDefaultTag(parseReference(name)))}`, rest)
}

/** Options of `local`. */
export interface LocalOptions extends OpOptions {
  /** The session that serves the directory; without one, any session of the build. */
  readonly sessionId?: string
  readonly include?: readonly string[]
  readonly follow?: readonly string[]
  readonly exclude?: readonly string[]
  /** Directories with equal hints may share what was transferred before. */
  readonly sharedKeyHint?: string
  /** `none`: transfer everything anew. */
  readonly differ?: { readonly type: 'none' | 'metadata'; readonly required: boolean }
  /** Transfer no file contents, except of these patterns. */
  readonly metadataOnly?: readonly string[]
}

/** A directory of the client. */
export function local(name: string, options: LocalOptions = {}): State {
  const { sessionId, include, follow, exclude, sharedKeyHint, differ, metadataOnly, ...rest } = options
  const source = new SourceBuilder()
  source.need(capability.sourceLocal)
  source.set(sourceAttribute.localSessionId, sessionId, capability.sourceLocalSessionId)
  source.set(sourceAttribute.localIncludePatterns, list(include), capability.sourceLocalIncludePatterns)
  source.set(sourceAttribute.localFollowPaths, list(follow), capability.sourceLocalFollowPaths)
  source.set(sourceAttribute.localExcludePatterns, list(exclude), capability.sourceLocalExcludePatterns)
  source.set(sourceAttribute.localSharedKeyHint, sharedKeyHint, capability.sourceLocalSharedKeyHint)
  source.set(sourceAttribute.localDiffer, differ?.type)
  if (differ?.required) source.need(capability.sourceLocalDiffer)
  if (metadataOnly !== undefined) {
    source.set(sourceAttribute.localMetadataTransfer, 'true', capability.sourceMetadataTransfer)
    source.set(sourceAttribute.localMetadataTransferExclude, list(metadataOnly))
  }
  return source.build(`local://${name}`, rest)
}

/** Options of `ociLayout`. */
export interface OciLayoutOptions extends OpOptions {
  readonly sessionId?: string
  readonly storeId?: string
  readonly layerLimit?: number
}

/** An image of an OCI layout that the client serves. `ref` ends in `@sha256:…`. */
export function ociLayout(ref: string, options: OciLayoutOptions = {}): State {
  const { sessionId, storeId, layerLimit, ...rest } = options
  const source = new SourceBuilder()
  source.need(capability.sourceOciLayout)
  source.set(sourceAttribute.ociLayoutSessionId, sessionId)
  source.set(sourceAttribute.ociLayoutStoreId, storeId)
  source.set(sourceAttribute.ociLayoutLayerLimit, layerLimit?.toString())
  return source.build(`oci-layout://${ref}`, rest)
}

function list(texts: readonly string[] | undefined): string | undefined {
  return texts === undefined || texts.length === 0 ? undefined : goJson(texts)
}
