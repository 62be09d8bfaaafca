import type { ContentStore } from '../content/content-store.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson } from '../gostd/json.ts'
import { descriptorJson } from '../oci/descriptor-json.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestHex } from '../oci/digest.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import { encodeHeader, endOfArchive, padding } from '../tar/encode-header.ts'
import { plainEntry } from '../tar/plain-entry.ts'
import type { ExportContext } from './export-context.ts'
import type { WrittenImage } from './image-writer.ts'

/** Options of an archive. */
export interface ArchiveOptions {
  /** Full references; each gets an entry of its own. */
  readonly names: readonly string[]
  /** Milliseconds since 1970, for the annotation that tells when it was made. */
  readonly createdMs: number
  /** With the `manifest.json` that `docker load` reads. */
  readonly docker: boolean
}

interface ArchiveFile {
  readonly path: string
  readonly size: number
  readonly open: () => AsyncIterable<Uint8Array>
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}

/**
 * An image as a tar archive in OCI layout: members sorted, times zero, so that equal images give equal archives (the
 * creation annotation aside). Formats: OCI image-spec 1.1 image-layout.md; `docker save`.
 */
export async function* imageArchive(
  image: WrittenImage,
  options: ArchiveOptions,
  content: ContentStore,
  ctx: ExportContext,
): AsyncIterable<Uint8Array> {
  const files = await archiveFiles(image, options, content, ctx)
  for (const path of ['blobs/', 'blobs/sha256/']) yield header(path, 0, 'directory')
  for (const file of files) {
    yield header(file.path, file.size, 'file')
    for await (const chunk of file.open()) yield chunk
    const rest = padding(file.size)
    if (rest.length > 0) yield rest
  }
  yield endOfArchive
}

function header(name: string, size: number, type: 'file' | 'directory'): Uint8Array {
  const mode =
    type === 'directory' ? 0o755 : name === 'index.json' || name === 'manifest.json' ? 0o644 : 0o444
  return encodeHeader(plainEntry(type, name, mode, size))
}

async function archiveFiles(
  image: WrittenImage,
  options: ArchiveOptions,
  content: ContentStore,
  ctx: ExportContext,
): Promise<readonly ArchiveFile[]> {
  const files = new Map<string, ArchiveFile>()
  const add = (path: string, bytes: Uint8Array): void => {
    files.set(path, { path, size: bytes.length, open: () => once(bytes) })
  }
  for (const descriptor of await imageBlobs(image, content, ctx)) {
    const path = blobPath(descriptor.digest)
    files.set(path, {
      path,
      size: descriptor.size,
      open: () => content.read(descriptor.digest, { signal: ctx.signal }),
    })
  }
  add('index.json', layoutIndex(image.descriptor, options))
  add('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
  if (options.docker) add('manifest.json', dockerManifest(image, options.names))
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

const blobPath = (digest: Digest): string => `blobs/sha256/${digestHex(digest)}`

/** All blobs of an image, brought into the content store where they are not there yet. */
export async function imageBlobs(
  image: WrittenImage,
  content: ContentStore,
  ctx: ExportContext,
): Promise<readonly Descriptor[]> {
  const blobs = new Map<Digest, Descriptor>([[image.descriptor.digest, image.descriptor]])
  for (const manifest of image.manifests) {
    blobs.set(manifest.descriptor.digest, manifest.descriptor)
    blobs.set(manifest.config.digest, manifest.config)
    for (const layer of manifest.layers) {
      const { digest } = layer.descriptor
      if (layer.descriptor.urls?.length) continue
      if ((await content.size(digest)) !== layer.descriptor.size) await layer.fetch?.(ctx.signal)
      if ((await content.size(digest)) === undefined) {
        throw new SlipwayError('not-found', `content ${digest}: not found`, {
          hint: 'a layer of the image is no longer in the store: build or pull the image again',
        })
      }
      blobs.set(digest, layer.descriptor)
    }
  }
  return [...blobs.values()]
}

/** The `index.json` of a layout: one entry for each name. */
export function layoutIndex(descriptor: Descriptor, options: ArchiveOptions): Uint8Array {
  const created = `${new Date(options.createdMs).toISOString().slice(0, 19)}Z`
  const named = options.names.map(name => {
    const { tag, digest } = parseReference(name)
    const version = digest === undefined ? tag : `${tag}@${digest}`
    return {
      'io.containerd.image.name': name,
      'org.opencontainers.image.ref.name': tag === undefined ? name : version,
    }
  })
  const annotationSets = named.length > 0 ? named : [{}]
  const manifests = annotationSets.map(annotations => {
    const merged = {
      'org.opencontainers.image.created': created,
      ...descriptor.annotations,
      ...annotations,
    }
    const sorted = Object.fromEntries(Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)))
    return descriptorJson({ ...descriptor, annotations: sorted })
  })
  return Buffer.from(
    goJson({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }),
  )
}

function dockerManifest(image: WrittenImage, names: readonly string[]): Uint8Array {
  const [manifest] = image.manifests
  if (manifest === undefined || image.configDigest === undefined) {
    throw new SlipwayError(
      'invalid-argument',
      'docker exporter does not currently support exporting manifest lists',
      {
        hint: 'build one platform, or use --output type=oci for all of them',
      },
    )
  }
  return Buffer.from(
    goJson([
      {
        Config: blobPath(manifest.config.digest),
        RepoTags: names.length === 0 ? null : names.map(name => familiarReference(parseReference(name))),
        Layers: manifest.layers.map(layer => blobPath(layer.descriptor.digest)),
      },
    ]),
  )
}
