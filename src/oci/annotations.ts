/** Keys of annotations that BuildKit, containerd, docker and the OCI spec give a meaning. */
export const annotation = {
  /** On an attestation manifest's descriptor: the digest of the image it is about. */
  referenceDigest: 'vnd.docker.reference.digest',
  /** On an attestation manifest's descriptor: `attestation-manifest`. */
  referenceType: 'vnd.docker.reference.type',
  /** The older spelling of `referenceDigest`. */
  oldReferenceDigest: 'com.docker.reference.digest',
  predicateType: 'in-toto.io/predicate-type',
  /** In an OCI layout's index: the tag. Source: OCI image-spec 1.1 annotations.md. */
  refName: 'org.opencontainers.image.ref.name',
  /** In an OCI layout's index: the full image name. */
  imageName: 'io.containerd.image.name',
  /** In an OCI layout's index: the digest of the manifest that this one refers to. */
  manifestSubject: 'io.containerd.manifest.subject',
  created: 'org.opencontainers.image.created',
  baseName: 'org.opencontainers.image.base.name',
  baseDigest: 'org.opencontainers.image.base.digest',
  /** On a layer descriptor inside the engine: the diffID. */
  uncompressed: 'containerd.io/uncompressed',
  /** Prefix; followed by a registry host. The value lists repositories there that have the blob. */
  distributionSource: 'containerd.io/distribution.source.',
} as const

/** The value of `annotation.referenceType` on attestations. */
export const attestationManifest = 'attestation-manifest'
