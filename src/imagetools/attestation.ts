import { collect } from '../bytes/collect.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { ImageStore } from '../oci/image-store.ts'
import { annotation } from '../oci/annotations.ts'
import { parseJson, readObject, readText } from '../oci/json-reader.ts'
import type { Manifest } from '../oci/manifest.ts'
import { mediaType } from '../oci/media-type.ts'

/** What is said about one image. The values are the predicates as JSON has them. */
export interface Attestations {
  /** SPDX documents, in order. */
  readonly sboms: readonly unknown[]
  /** The SLSA provenance. */
  readonly provenance?: unknown
}

const spdx = 'https://spdx.dev/Document'
const provenancePrefix = 'https://slsa.dev/provenance/'
const dsse = /application\/vnd\.in-toto\..*\+dsse/

/** Largest attestation that is read, in bytes. */
const maxAttestation = 64 * 1024 * 1024
/** A predicate is shown by functions that call themselves. */
const maxDepth = 1000

/**
 * Reads the attestations of an image from its attestation manifests; those in signed envelopes too, unchecked. Of
 * several provenances the last manifest's first one counts, as in buildx.
 * Source: github.com/docker/buildx util/imagetools/loader.go at v0.36.1.
 */
export async function readAttestations(
  store: ImageStore,
  manifests: readonly Manifest[],
  signal?: AbortSignal,
): Promise<Attestations> {
  const sboms: unknown[] = []
  let provenance: { readonly value: unknown } | undefined
  for (const manifest of manifests) {
    const statements = manifest.layers.filter(l => l.mediaType === mediaType.inToto || dsse.test(l.mediaType))
    for (const layer of statements) {
      if (predicateType(layer) === spdx) sboms.push(await readPredicate(store, layer, signal))
    }
    const found = statements.find(l => predicateType(l).startsWith(provenancePrefix))
    if (found !== undefined) provenance = { value: await readPredicate(store, found, signal) }
  }
  return { sboms, ...(provenance === undefined ? {} : { provenance: provenance.value }) }
}

function predicateType(layer: Descriptor): string {
  return layer.annotations?.[annotation.predicateType] ?? ''
}

async function readPredicate(
  store: ImageStore,
  layer: Descriptor,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const what = `attestation ${layer.digest}`
  const bytes = await collect(store.fetch(layer, { signal }), { limit: maxAttestation, what })
  const statement = dsse.test(layer.mediaType) ? openEnvelope(bytes, what) : bytes
  return readObject(parseJson(statement, what, maxDepth), what)['predicate'] ?? null
}

/** The payload of a DSSE envelope. Source: secure-systems-lab/dsse envelope.md v1.0.2. */
function openEnvelope(bytes: Uint8Array, what: string): Uint8Array {
  return Buffer.from(readText(readObject(parseJson(bytes, what), what), 'payload', what) ?? '', 'base64')
}
