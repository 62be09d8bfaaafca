import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

// Writes images as OCI layouts. On purpose not Slipway's own code: what the tests build on and compare with is made by
// GNU tar, zlib and these few lines.

/** A blob as an index or manifest names it. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly platform?: OciPlatform
  readonly annotations?: Readonly<Record<string, string>>
}

/** Platform of a manifest. */
export interface OciPlatform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** One platform of an image: a tar file for each layer, and the `config` part of its configuration. */
export interface ImageSource {
  readonly platform: OciPlatform
  readonly layers: readonly string[]
  readonly config: Readonly<Record<string, unknown>>
}

const created = '2020-01-01T00:00:00Z'

/** Writes an index of the given images under `tag` into a new layout; returns the descriptor of the index. */
export async function writeLayout(
  dir: string,
  tag: string,
  images: readonly ImageSource[],
): Promise<Descriptor> {
  await mkdir(join(dir, 'blobs', 'sha256'), { recursive: true })
  const manifests: Descriptor[] = []
  for (const image of images) manifests.push(await writeImage(dir, image))
  const index = await writeJson(dir, 'application/vnd.oci.image.index.v1+json', {
    schemaVersion: 2,
    manifests,
  })
  const annotations = { 'org.opencontainers.image.ref.name': tag }
  const top = { schemaVersion: 2, manifests: [{ ...index, annotations }] }
  await writeFile(join(dir, 'index.json'), JSON.stringify(top))
  await writeFile(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  return index
}

/** Parses `linux/arm/v7` into its parts. */
export function parsePlatform(text: string): OciPlatform {
  const [os = '', architecture = '', variant] = text.split('/')
  return variant === undefined ? { os, architecture } : { os, architecture, variant }
}

async function writeImage(dir: string, image: ImageSource): Promise<Descriptor> {
  const layers = []
  for (const tar of image.layers) layers.push(await writeLayer(dir, tar))
  const config = await writeJson(dir, 'application/vnd.oci.image.config.v1+json', {
    created,
    ...image.platform,
    config: image.config,
    rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.diffId) },
    history: layers.map(() => ({ created, created_by: 'stand-in of Debian packages' })),
  })
  const manifest = await writeJson(dir, 'application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: layers.map(layer => layer.descriptor),
  })
  return { ...manifest, platform: image.platform }
}

async function writeLayer(dir: string, tar: string) {
  const plain = createHash('sha256')
  const packed = createHash('sha256')
  let size = 0
  const temporary = join(dir, `layer.${process.pid}.tmp`)
  await pipeline(
    createReadStream(tar),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        plain.update(chunk)
        yield chunk
      }
    },
    createGzip({ level: 1 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        packed.update(chunk)
        size += chunk.length
        yield chunk
      }
    },
    createWriteStream(temporary),
  )
  const hex = packed.digest('hex')
  await rename(temporary, join(dir, 'blobs', 'sha256', hex))
  await rm(temporary, { force: true })
  const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip'
  return { diffId: `sha256:${plain.digest('hex')}`, descriptor: { mediaType, digest: `sha256:${hex}`, size } }
}

async function writeJson(dir: string, mediaType: string, value: object): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value))
  const hex = createHash('sha256').update(bytes).digest('hex')
  await writeFile(join(dir, 'blobs', 'sha256', hex), bytes)
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
}
