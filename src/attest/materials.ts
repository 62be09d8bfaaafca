import { packageUrl } from '../oci/package-url.ts'
import { commitDigest, type DigestSet, digestSet } from './request.ts'
import type { GitOrigin, Sources } from './sources.ts'

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
    ...sources.git.flatMap(origin => [
      { uri: origin.url, digest: commitDigest(origin.commit) },
      ...bundleMaterial(origin),
    ]),
    ...sources.http.map(origin => ({ uri: origin.url, digest: digestSet(origin.digest) })),
  ]
}

/** The blob that stood for a remote. */
function bundleMaterial({ url, bundle }: GitOrigin): readonly Material[] {
  const [, scheme = '', name = '', digest = ''] = /^([^:]+):\/\/(.+)@([^@]+)$/s.exec(bundle ?? '') ?? []
  if (scheme === '') return []
  const qualifiers = [
    ['ref_type', 'bundle'],
    ['vcs_url', url],
  ] as const
  const type = scheme === 'oci-layout+blob' ? 'oci' : 'docker'
  return [{ uri: packageUrl(type, name, undefined, qualifiers), digest: digestSet(digest) }]
}
