import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { isDigest } from '../oci/digest.ts'

/** A named context that is an image in an OCI layout of this machine. */
export interface OciLayoutContext {
  /** Directory of the layout, absolute. */
  readonly path: string
  /** Digest of the image or index in it. */
  readonly digest: string
  /** As it was given. */
  readonly tag: string | undefined
}

interface IndexEntry {
  readonly digest?: unknown
  readonly annotations?: Readonly<Record<string, unknown>>
}

/**
 * Reads `oci-layout://PATH[:TAG][@DIGEST]`; without a digest the layout's index says which one the tag (`latest`) has; an only one goes by any.
 * Undefined for any other value. Throws `invalid-argument` or `not-found` in buildx's words.
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/build/opt.go
 */
export async function ociLayoutContext(value: string, cwd: string): Promise<OciLayoutContext | undefined> {
  const prefix = 'oci-layout://'
  if (!value.startsWith(prefix)) return undefined
  const [name = '', digest] = value.slice(prefix.length).split('@', 2)
  const colon = name.lastIndexOf(':')
  const hasTag = colon > name.lastIndexOf('/')
  const given = hasTag ? name.slice(0, colon) : name
  if (given === '') throw unresolved(value, 'it has no path')
  const path = isAbsolute(given) ? given : resolve(cwd, given)
  const tag = hasTag ? name.slice(colon + 1) : undefined
  const found = digest ?? (await digestOfTag(given, cwd, tag ?? 'latest', value))
  if (!isDigest(found)) throw unresolved(value, `${JSON.stringify(found)} is no digest`)
  return { path, digest: found, tag }
}

async function digestOfTag(given: string, cwd: string, tag: string, value: string): Promise<string> {
  const index = join(given, 'index.json')
  const text = await readFile(resolve(cwd, index), 'utf8').catch((error: unknown) => {
    const found = statSync(resolve(cwd, given), { throwIfNoEntry: false })
    const reasons = { 'not-found': 'no such file or directory', 'permission-denied': 'permission denied' }
    const { code } = asSlipwayError(error)
    const why = code === 'not-found' || code === 'permission-denied' ? reasons[code] : 'not a directory'
    // The first that is done in a layout is to lock it.
    const [verb, file] = found?.isDirectory() === true ? ['read', index] : ['lock', `${index}.lock`]
    throw unresolved(value, `could not ${verb} ${file}: open ${file}: ${why}`, error)
  })
  const entries = entriesOf(text, value)
  const named =
    entries.find(entry => entry.annotations?.['org.opencontainers.image.ref.name'] === tag) ??
    (entries.length === 1 ? entries[0] : undefined)
  if (typeof named?.digest !== 'string') throw unresolved(value, 'failed to resolve digest')
  return named.digest
}

function entriesOf(text: string, value: string): readonly IndexEntry[] {
  try {
    const index = JSON.parse(text) as { readonly manifests?: readonly IndexEntry[] } | null
    return Array.isArray(index?.manifests) ? index.manifests : []
  } catch (error) {
    throw unresolved(value, 'its index.json is not JSON', error)
  }
}

function unresolved(value: string, why: string, cause?: unknown): SlipwayError {
  const message = `oci-layout reference ${JSON.stringify(value)} could not be resolved: ${why}`
  return new SlipwayError('invalid-argument', message, cause === undefined ? {} : { cause })
}
