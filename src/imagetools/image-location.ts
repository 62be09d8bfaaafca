import { SlipwayError } from '../errors/slipway-error.ts'
import type { Digest } from '../oci/digest.ts'
import {
  formatReference,
  parseReference,
  type Reference,
  repositoryName,
  withDefaultTag,
} from '../oci/reference.ts'
import {
  formatLayoutLocation,
  type LayoutLocation,
  parseLayoutLocation,
} from '../registry/layout/location.ts'

/**
 * Where an image is: in a registry (`me/app:1`), in an OCI layout directory (`oci-layout://dir:tag`) or in the local
 * store (`local://me/app:1`).
 */
export type ImageLocation =
  | { readonly kind: 'registry' | 'local'; readonly reference: Reference }
  | { readonly kind: 'layout'; readonly layout: LayoutLocation }

const localScheme = 'local://'

/** Reads a location; without tag and digest the tag is `latest`. Throws `invalid-argument`. */
export function parseImageLocation(text: string): ImageLocation {
  const layout = parseLayoutLocation(text)
  if (layout !== undefined) return { kind: 'layout', layout }
  const local = text.startsWith(localScheme)
  const reference = withDefaultTag(parseReference(local ? text.slice(localScheme.length) : text))
  return { kind: local ? 'local' : 'registry', reference }
}

/** The location in full, as messages and listings show it. */
export function formatImageLocation(location: ImageLocation): string {
  if (location.kind === 'layout') return formatLayoutLocation(location.layout)
  return `${location.kind === 'local' ? localScheme : ''}${formatReference(location.reference)}`
}

/** The repository or directory, without tag and digest. Two locations with the same name are in one store. */
export function locationName(location: ImageLocation): string {
  if (location.kind === 'layout') return location.layout.directory
  return `${location.kind === 'local' ? localScheme : ''}${repositoryName(location.reference)}`
}

/** What to ask the store of a location for: its digest, or else its tag. */
export function locationTarget(location: ImageLocation): string {
  const { digest, tag } = location.kind === 'layout' ? location.layout : location.reference
  return digest ?? tag ?? 'latest'
}

/** The tag under which something put at this location is found; undefined where the location names a digest only. */
export function locationTag(location: ImageLocation): string | undefined {
  return location.kind === 'layout' ? location.layout.tag : location.reference.tag
}

/** The place of another manifest in the same store. A reference keeps its tag, a layout location does not. */
export function withLocationDigest(location: ImageLocation, digest: Digest): ImageLocation {
  if (location.kind === 'layout') {
    return { kind: 'layout', layout: { directory: location.layout.directory, digest } }
  }
  return { kind: location.kind, reference: { ...location.reference, digest } }
}

/** The tag of a location, or `latest`, without its digest. */
export function withoutLocationDigest(location: ImageLocation): ImageLocation {
  if (location.kind === 'layout') {
    const { directory, tag = 'latest' } = location.layout
    return { kind: 'layout', layout: { directory, tag } }
  }
  const { domain, path } = location.reference
  return { kind: location.kind, reference: withDefaultTag({ domain, path }) }
}

/** Throws where a target asks for a digest that is not the one it would get. */
export function checkTargetDigest(location: ImageLocation, digest: Digest): void {
  if (location.kind !== 'layout') return
  const wanted = location.layout.digest
  if (wanted === undefined || wanted === digest) return
  throw new SlipwayError(
    'invalid-argument',
    `target ${formatImageLocation(location)} requested digest ${wanted} but produced ${digest}`,
  )
}
