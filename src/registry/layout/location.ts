import { type Digest, parseDigest } from '../../oci/digest.ts'
import { isTag } from '../../oci/reference.ts'

/** A place in an OCI layout directory: `oci-layout://dir[:tag][@digest]`. */
export interface LayoutLocation {
  /** Path of the directory, as given. */
  readonly directory: string
  readonly tag?: string
  readonly digest?: Digest
}

const scheme = 'oci-layout://'

/**
 * Reads an `oci-layout://` location; undefined for other texts. Without tag and digest the tag is `latest`. Throws
 * `invalid-argument` for a digest that is none. Source: github.com/docker/buildx util/ocilayout/parse.go at v0.36.1.
 */
export function parseLayoutLocation(text: string): LayoutLocation | undefined {
  if (!text.startsWith(scheme)) return undefined
  let rest = text.slice(scheme.length)
  let digest: Digest | undefined
  const at = rest.lastIndexOf('@')
  if (at >= 0 && /^[A-Za-z][A-Za-z0-9+._-]*:[0-9a-fA-F]{32,}$/.test(rest.slice(at + 1))) {
    digest = parseDigest(rest.slice(at + 1))
    rest = rest.slice(0, at)
  }
  let tag: string | undefined
  const colon = rest.lastIndexOf(':')
  if (colon >= 0 && isTag(rest.slice(colon + 1))) {
    tag = rest.slice(colon + 1)
    rest = rest.slice(0, colon)
  }
  if (tag === undefined && digest === undefined) tag = 'latest'
  return {
    directory: rest,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** The location as it is written. */
export function formatLayoutLocation(location: LayoutLocation): string {
  const tag = location.tag === undefined ? '' : `:${location.tag}`
  const digest = location.digest === undefined ? '' : `@${location.digest}`
  return `${scheme}${location.directory}${tag}${digest}`
}
