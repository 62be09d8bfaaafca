import { packageUrl } from '../oci/package-url.ts'
import { commitDigest, type DigestSet, digestSet } from './request.ts'
import type { Sources } from './sources.ts'

/** Something that a build took, by URI and digest. */
export interface Material {
  readonly uri: string
  readonly digest?: DigestSet
}

const blobQualifiers = [['ref_type', 'blob']] as const

/** Images, blobs, commits and files as materials, in this order; directories of the client have no digest and are left out. */
export function materials(sources: Sources): readonly Material[] {
  return [
    ...sources.images.map(image => ({
      uri: packageUrl(image.local ? 'oci' : 'docker', image.reference, image.platform),
      ...(image.digest === undefined ? {} : { digest: digestSet(image.digest) }),
    })),
    ...sources.blobs.map(blob => ({
      uri: packageUrl(blob.local ? 'oci' : 'docker', blob.reference, undefined, blobQualifiers),
      digest: digestSet(blob.digest),
    })),
    ...sources.git.map(origin => ({ uri: origin.url, digest: commitDigest(origin.commit) })),
    ...sources.http.map(origin => ({ uri: origin.url, digest: digestSet(origin.digest) })),
  ]
}
