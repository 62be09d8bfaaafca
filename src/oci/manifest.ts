import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../gostd/json.ts'
import type { Descriptor } from './descriptor.ts'
import { descriptorJson, parseDescriptor, textMapJson } from './descriptor-json.ts'
import { digestOf } from './digest.ts'
import {
  type JsonObject,
  member,
  parseJson,
  readInteger,
  readList,
  readObject,
  readText,
  readTextMap,
} from './json-reader.ts'
import { isIndexType, isManifestType, mediaType } from './media-type.ts'

/** An image manifest. Source: OCI image-spec 1.1 manifest.md; distribution "Image Manifest V 2, Schema 2". */
export interface Manifest {
  readonly schemaVersion: 2
  readonly mediaType?: string
  readonly artifactType?: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Readonly<Record<string, string>>
}

/** An image index or manifest list. Source: OCI image-spec 1.1 image-index.md; distribution "Manifest List". */
export interface Index {
  readonly schemaVersion: 2
  readonly mediaType?: string
  readonly artifactType?: string
  readonly manifests: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Readonly<Record<string, string>>
}

/** A checked document with its bytes as they came, which alone may be passed on: they carry the digest and the unknown members. */
export type ParsedManifest =
  | {
      readonly kind: 'manifest'
      readonly mediaType: string
      readonly bytes: Uint8Array
      readonly manifest: Manifest
    }
  | { readonly kind: 'index'; readonly mediaType: string; readonly bytes: Uint8Array; readonly index: Index }

/** Largest manifest or index read from outside, in bytes, as containerd has it (`MaxManifestSize`). */
export const maxManifestSize: number = 4 * 1048 * 1048

/** Most entries of an index and most layers of a manifest. */
export const maxManifestEntries = 10_000

/**
 * Reads a manifest or an index from bytes that nobody vouches for. `declared` is the media type under which it came
 * (Content-Type or descriptor); it must agree with the content. Throws `invalid-argument`, `resource-exhausted` where a
 * limit is passed, `unimplemented` for schema 1.
 */
export function parseManifest(bytes: Uint8Array, declared?: string): ParsedManifest {
  if (bytes.length > maxManifestSize) {
    throw new SlipwayError('resource-exhausted', `rejecting ${bytes.length} byte manifest`)
  }
  const object = readObject(parseJson(bytes, 'manifest'), 'manifest')
  const type = detect(object, declared)
  const common = {
    schemaVersion: 2 as const,
    ...optionalText(object, 'mediaType'),
    ...optionalText(object, 'artifactType'),
    ...subjectOf(object),
    ...annotationsOf(object),
  }
  if (isIndexType(type)) {
    const manifests = descriptors(object, 'manifests')
    return { kind: 'index', mediaType: type, bytes, index: { ...common, manifests } }
  }
  const config = parseDescriptor(member(object, 'config'), 'manifest.config')
  return {
    kind: 'manifest',
    mediaType: type,
    bytes,
    manifest: { ...common, config, layers: descriptors(object, 'layers') },
  }
}

/** The index of `parseManifest`; throws `invalid-argument` for a manifest. */
export function parseIndex(bytes: Uint8Array, declared?: string): Index {
  const parsed = parseManifest(bytes, declared)
  if (parsed.kind === 'index') return parsed.index
  throw new SlipwayError('invalid-argument', `expected index but found manifest (${parsed.mediaType})`)
}

/** The manifest of `parseManifest`; throws `invalid-argument` for an index. */
export function parseImageManifest(bytes: Uint8Array, declared?: string): Manifest {
  const parsed = parseManifest(bytes, declared)
  if (parsed.kind === 'manifest') return parsed.manifest
  throw new SlipwayError('invalid-argument', `expected manifest but found index (${parsed.mediaType})`)
}

/** The media type of a manifest or index by its content. Throws as `parseManifest`. */
export function detectManifestType(bytes: Uint8Array, declared?: string): string {
  return detect(readObject(parseJson(bytes, 'manifest'), 'manifest'), declared)
}

/**
 * Content decides between index and manifest; the document's own mediaType, then the declared one, decides between OCI
 * and Docker. A document that could be read as both is refused.
 */
function detect(object: JsonObject, declared: string | undefined): string {
  const isImage = present(object, 'config') || present(object, 'layers')
  const isIndex = present(object, 'manifests')
  const isOld = readInteger(object, 'schemaVersion', 'manifest') === 1 && !isImage && !isIndex
  if (isOld || member(object, 'fsLayers') !== undefined) {
    throw new SlipwayError(
      'unimplemented',
      'support Docker Image manifest version 2, schema 1 has been removed. More information at https://docs.docker.com/go/deprecated-image-specs/',
      { hint: 'push the image again with a current tool, which writes schema 2 or OCI manifests' },
    )
  }
  if (isImage && isIndex) throw invalid('invalid ambiguous manifest and manifest list')
  const own = readText(object, 'mediaType', 'manifest')
  const known = [own, declared].find(
    type => type !== undefined && (isIndexType(type) || isManifestType(type)),
  )
  if (!isImage && !isIndex) {
    if (known === undefined || !isIndexType(known)) throw invalid('neither a manifest nor an index')
    return known
  }
  for (const type of [own, declared]) {
    if (type === undefined || !(isIndexType(type) || isManifestType(type))) continue
    if (isIndexType(type) !== isIndex) {
      const [expected, found] = isIndex ? ['manifest', 'index'] : ['index', 'manifest']
      throw invalid(`media-type: expected ${expected} but found ${found} (${type})`)
    }
  }
  return known ?? (isIndex ? mediaType.dockerManifestList : mediaType.dockerManifest)
}

function present(object: JsonObject, name: string): boolean {
  const value = member(object, name)
  return value !== undefined && value !== null
}

function descriptors(object: JsonObject, name: string): readonly Descriptor[] {
  const list = readList(object, name, 'manifest', maxManifestEntries) ?? []
  return list.map((value, i) => parseDescriptor(value, `${name}[${i}]`))
}

function optionalText<K extends string>(object: JsonObject, name: K): { readonly [P in K]?: string } {
  const text = readText(object, name, 'manifest')
  return (text === undefined ? {} : { [name]: text }) as { readonly [P in K]?: string }
}

function subjectOf(object: JsonObject): { readonly subject?: Descriptor } {
  return present(object, 'subject') ? { subject: parseDescriptor(member(object, 'subject'), 'subject') } : {}
}

function annotationsOf(object: JsonObject): { readonly annotations?: Readonly<Record<string, string>> } {
  const annotations = readTextMap(object, 'annotations', 'manifest')
  return annotations === undefined ? {} : { annotations }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}

/** Bytes of a manifest as BuildKit writes it: two-space indented, no newline at the end. */
export function marshalManifest(manifest: Manifest): Uint8Array {
  return indented({
    schemaVersion: manifest.schemaVersion,
    mediaType: manifest.mediaType,
    artifactType: manifest.artifactType,
    config: descriptorJson(manifest.config),
    // Go writes an absent list so.
    layers: manifest.layers.length === 0 ? null : manifest.layers.map(descriptorJson),
    subject: manifest.subject === undefined ? undefined : descriptorJson(manifest.subject),
    annotations: textMapJson(manifest.annotations),
  })
}

/** Bytes of an index as BuildKit and buildx write it: two-space indented, no newline at the end. */
export function marshalIndex(index: Index): Uint8Array {
  return indented({
    schemaVersion: index.schemaVersion,
    mediaType: index.mediaType,
    artifactType: index.artifactType,
    manifests: index.manifests.map(descriptorJson),
    subject: index.subject === undefined ? undefined : descriptorJson(index.subject),
    annotations: textMapJson(index.annotations),
  })
}

function indented(value: JsonValue): Uint8Array {
  return new TextEncoder().encode(goJson(value, { indent: '  ' }))
}

/** The descriptor of bytes at hand. */
export function describeBytes(bytes: Uint8Array, type: string): Descriptor {
  return { mediaType: type, digest: digestOf(bytes), size: bytes.length }
}
