/** Media types of images. Sources: OCI image-spec 1.1 media-types.md; distribution "Image Manifest V 2, Schema 2". */
export const mediaType = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociLayerNondistributable: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  ociLayerNondistributableGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  ociLayerNondistributableZstd: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  dockerLayerForeign: 'application/vnd.docker.image.rootfs.foreign.diff.tar',
  dockerLayerForeignGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  inToto: 'application/vnd.in-toto+json',
} as const

/** Artifact type of BuildKit's attestation manifests. */
export const attestationArtifactType = 'application/vnd.docker.attestation.manifest.v1+json'

/** Tells an index or manifest list from everything else. */
export function isIndexType(type: string): boolean {
  return type === mediaType.ociIndex || type === mediaType.dockerManifestList
}

const layerTypes: ReadonlySet<string> = new Set([
  mediaType.ociLayer,
  mediaType.ociLayerNondistributable,
  mediaType.dockerLayer,
  mediaType.dockerLayerGzip,
  mediaType.dockerLayerZstd,
  mediaType.dockerLayerForeign,
  mediaType.dockerLayerForeignGzip,
])

/** Tells a layer, packed in whatever way, from everything else. */
export function isLayerType(type: string): boolean {
  return layerTypes.has(type.split('+', 1)[0] ?? '')
}

const configTypes: ReadonlySet<string> = new Set([
  mediaType.ociConfig,
  mediaType.dockerConfig,
  mediaType.inToto,
  // As the first registries had it.
  'application/octet-stream',
])

/** Tells the configuration of an image from those of other artifacts. */
export function isConfigType(type: string): boolean {
  return configTypes.has(type)
}

/** Tells an image manifest from everything else. */
export function isManifestType(type: string): boolean {
  return type === mediaType.ociManifest || type === mediaType.dockerManifest
}
