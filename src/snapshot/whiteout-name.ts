import { SlipwayError } from '../errors/slipway-error.ts'

/** What a member's name says about lower layers. Source: OCI image-spec 1.1 layer.md, "Whiteouts". */
export type WhiteoutName =
  /** The name is gone. */
  | { readonly kind: 'whiteout'; readonly name: string }
  /** Everything that the directory had is gone. */
  | { readonly kind: 'opaque' }
  /** Bookkeeping of AUFS (`.wh..wh.plnk` and the like), which means nothing here. */
  | { readonly kind: 'ignored' }

const prefix = '.wh.'
const metaPrefix = '.wh..wh.'

/** Name of the member that makes its directory opaque. */
export const opaqueMarker = '.wh..wh..opq'

/** Reads the last part of a member's name; undefined for ordinary ones. Throws `data-loss` where it would remove `.`, `..` or nothing. */
export function parseWhiteout(base: string): WhiteoutName | undefined {
  if (!base.startsWith(prefix)) return undefined
  if (base === opaqueMarker) return { kind: 'opaque' }
  if (base.startsWith(metaPrefix)) return { kind: 'ignored' }
  const name = base.slice(prefix.length)
  if (name === '' || name === '.' || name === '..') {
    throw new SlipwayError('data-loss', `invalid whiteout name: ${base}: invalid archive`)
  }
  return { kind: 'whiteout', name }
}

/** The member name that stands for a removed `name`. */
export function whiteoutName(name: string): string {
  return prefix + name
}
