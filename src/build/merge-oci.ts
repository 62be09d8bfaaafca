import { createReadStream } from 'node:fs'
import { collect } from '../bytes/collect.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson } from '../gostd/json.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import {
  type Index,
  describeBytes,
  marshalIndex,
  maxManifestSize,
  parseImageManifest,
  parseIndex,
} from '../oci/manifest.ts'
import { isIndexType, mediaType } from '../oci/media-type.ts'
import { formatPlatform, normalizePlatform, type Platform } from '../oci/platform.ts'
import { encodeHeader, endOfArchive, padding } from '../tar/encode-header.ts'
import { plainEntry } from '../tar/plain-entry.ts'
import { readTar } from '../tar/read-tar.ts'

/** The archive of one node: an OCI layout, with what it was asked for. */
export interface NodeArchive {
  readonly path: string
  readonly platforms: readonly Platform[]
}

/** How the whole archive is made. */
export interface MergeOptions {
  /** The order of the images. */
  readonly platforms: readonly Platform[]
  /** Also readable as `docker save` writes it; of several platforms that of this one, or the first, is the image. */
  readonly docker?: Platform
}

/**
 * One archive of the OCI layouts of several nodes: an index of all their images, every blob once. Throws `data-loss` for
 * archives that are none.
 */
export async function* mergeOciArchives(
  archives: readonly NodeArchive[],
  options: MergeOptions,
): AsyncGenerator<Uint8Array> {
  const entries: Descriptor[] = []
  let names: readonly Descriptor[] = []
  for (const archive of archives) {
    const top = parseIndex(await readMember(archive.path, 'index.json'), mediaType.ociIndex)
    if (names.length === 0) names = top.manifests
    entries.push(...(await imagesOf(archive, top)))
  }
  const manifests = ordered(entries, options.platforms)
  const docker = manifests.every(d => d.mediaType.startsWith('application/vnd.docker.'))
  const type = docker ? mediaType.dockerManifestList : mediaType.ociIndex
  const index = marshalIndex({ schemaVersion: 2, mediaType: type, manifests })
  const described = describeBytes(index, type)
  const named = names.map(({ annotations }) => ({
    ...described,
    ...(annotations === undefined ? {} : { annotations }),
  }))
  yield* member(`blobs/sha256/${hexOf(described)}`, index)
  const written = new Set([`blobs/sha256/${hexOf(described)}`])
  for (const { path } of archives) yield* blobs(path, written)
  if (options.docker !== undefined) {
    const list = await dockerManifest(archives, manifests, names, options.docker)
    yield* member('manifest.json', Buffer.from(list))
  }
  const top = marshalIndex({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: named })
  yield* member('index.json', top)
  yield* member('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
  yield endOfArchive
}

async function imagesOf(archive: NodeArchive, top: Index): Promise<readonly Descriptor[]> {
  const [image] = top.manifests
  if (image === undefined) throw new SlipwayError('data-loss', 'an archive of a node holds no image')
  if (isIndexType(image.mediaType)) {
    return parseIndex(await readMember(archive.path, `blobs/sha256/${hexOf(image)}`), image.mediaType)
      .manifests
  }
  const { annotations: _, ...bare } = image
  const [platform] = archive.platforms
  return [platform === undefined ? bare : { ...bare, platform: normalizePlatform(platform) }]
}

/** Images in the order they were asked for, then statements about them. */
function ordered(entries: readonly Descriptor[], platforms: readonly Platform[]): Descriptor[] {
  const texts = platforms.map(p => formatPlatform(normalizePlatform(p)))
  const place = (entry: Descriptor): number => {
    if (entry.platform === undefined || entry.platform.os === 'unknown') return texts.length + 1
    const at = texts.indexOf(formatPlatform(normalizePlatform(entry.platform)))
    return at < 0 ? texts.length : at
  }
  const unique = new Map(entries.map(entry => [entry.digest, entry]))
  return [...unique.values()].toSorted((a, b) => place(a) - place(b))
}

async function dockerManifest(
  archives: readonly NodeArchive[],
  manifests: readonly Descriptor[],
  names: readonly Descriptor[],
  wanted: Platform,
): Promise<string> {
  const text = formatPlatform(normalizePlatform(wanted))
  const own = manifests.find(
    d => d.platform !== undefined && formatPlatform(normalizePlatform(d.platform)) === text,
  )
  const chosen = own ?? manifests[0]
  if (chosen === undefined) throw new SlipwayError('data-loss', 'the archives of the nodes hold no image')
  for (const { path } of archives) {
    const bytes = await readMember(path, `blobs/sha256/${hexOf(chosen)}`).catch(() => undefined)
    if (bytes === undefined) continue
    const { config, layers } = parseImageManifest(bytes, chosen.mediaType)
    const tags = names.flatMap(({ annotations }) => annotations?.['io.containerd.image.name'] ?? [])
    return goJson([
      {
        Config: `blobs/sha256/${hexOf(config)}`,
        RepoTags: tags.length === 0 ? null : tags,
        Layers: layers.map(layer => `blobs/sha256/${hexOf(layer)}`),
      },
    ])
  }
  throw new SlipwayError('data-loss', `no archive of a node holds ${chosen.digest}`)
}

const hexOf = (descriptor: Descriptor): string => descriptor.digest.slice('sha256:'.length)

async function readMember(path: string, name: string): Promise<Uint8Array> {
  for await (const { entry, content } of readTar(createReadStream(path))) {
    if (entry.name.replace(/^\.\//, '') === name) {
      return await collect(bytesOf(content), { limit: maxManifestSize, what: name })
    }
  }
  throw new SlipwayError('data-loss', `an archive of a node has no ${name}`)
}

async function* blobs(path: string, written: Set<string>): AsyncGenerator<Uint8Array> {
  for await (const { entry, content } of readTar(createReadStream(path))) {
    const name = entry.name.replace(/^\.\//, '')
    if (!/^blobs\/sha256\/[a-f0-9]{64}$/.test(name) || written.has(name)) continue
    written.add(name)
    yield encodeHeader(plainEntry('file', name, 0o644, entry.size))
    yield* bytesOf(content)
    yield padding(entry.size)
  }
}

async function* bytesOf(content: AsyncIterable<{ readonly bytes: Uint8Array }>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of content) yield bytes
}

function* member(name: string, bytes: Uint8Array): Generator<Uint8Array> {
  yield encodeHeader(plainEntry('file', name, 0o644, bytes.length))
  yield bytes
  yield padding(bytes.length)
}
