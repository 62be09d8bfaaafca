import type { Platform } from './descriptor.ts'
import { formatPlatform, normalizePlatform } from './platform.ts'
import { familiarName, parseReference, withDefaultTag } from './reference.ts'

/** A qualifier of a package URL, not escaped. */
export type Qualifier = readonly [key: string, value: string]

/**
 * An image name as a package URL: `pkg:docker/alpine@3.22?platform=linux%2Famd64`; a digest becomes a qualifier. Type
 * `oci` is for images that no registry has. Throws `invalid-argument` for names that are none. Form:
 * https://github.com/package-url/purl-spec, as in https://github.com/moby/buildkit/blob/v0.32.2/util/purl/image.go
 */
export function packageUrl(
  type: 'docker' | 'oci',
  name: string,
  platform?: Platform,
  more: readonly Qualifier[] = [],
): string {
  const parsed = parseReference(name)
  const reference = parsed.digest === undefined ? withDefaultTag(parsed) : parsed
  const path = familiarName(reference).split('/').map(encodeURIComponent).join('/')
  const version = reference.tag === undefined ? '' : `@${encodeURIComponent(reference.tag)}`
  const qualifiers: Qualifier[] = [
    ...(reference.digest === undefined ? [] : [['digest', reference.digest] as const]),
    ...(platform === undefined ? [] : [['platform', formatPlatform(normalizePlatform(platform))] as const]),
    ...more,
  ]
  // A colon stays as it is, in values only.
  const query = qualifiers
    .map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll('%3A', ':')}`)
    .join('&')
  return `pkg:${type}/${path}${version}${query === '' ? '' : `?${query}`}`
}
