import { digestOf } from '../../src/oci/digest.ts'
import type { CorpusImage } from './corpus-server.ts'
import type { Layer } from './layer-cases.ts'

const oci = 'application/vnd.oci.image'

/** Members of a JSON document, of any sort. */
export type Loose = Readonly<Record<string, unknown>>

/** A descriptor of bytes. */
export const descriptorOf = (mediaType: string, bytes: Uint8Array): Loose => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
})

/** A document and blobs that are served under the tag `latest` and by digest. */
export function corpusImage(
  root: string | Uint8Array,
  mediaType: string,
  blobs: readonly Uint8Array[] = [],
  documents: readonly (readonly [bytes: Uint8Array, mediaType: string])[] = [],
): CorpusImage {
  const bytes = Buffer.from(root as string)
  const all = [[bytes, mediaType] as const, ...documents]
  return {
    documents: {
      latest: { bytes, mediaType },
      ...Object.fromEntries(all.map(([one, type]) => [digestOf(one), { bytes: one, mediaType: type }])),
    },
    blobs: Object.fromEntries(blobs.map(one => [digestOf(one), one])),
  }
}

/** An image of layers, right in everything but what the layers are. */
export function imageOf(layers: readonly Layer[]): CorpusImage {
  const parts = layers.map(one => (Buffer.isBuffer(one) ? { blob: one, diff: one } : one))
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: parts.map(({ diff }) => digestOf(diff)) },
    }),
  )
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: `${oci}.manifest.v1+json`,
    config: descriptorOf(`${oci}.config.v1+json`, config),
    layers: parts.map(({ blob, mediaType }) => descriptorOf(mediaType ?? `${oci}.layer.v1.tar`, blob)),
  })
  return corpusImage(manifest, `${oci}.manifest.v1+json`, [config, ...parts.map(({ blob }) => blob)])
}
