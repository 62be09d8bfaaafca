import { collectBounded } from '../async/map-bounded.ts'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { quote } from '../gostd/quote.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { parsePlatformObject } from '../oci/descriptor-json.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import {
  type JsonObject,
  parseJson,
  readInteger,
  readObject,
  readText,
  readTextMap,
  readTexts,
} from '../oci/json-reader.ts'
import {
  type ImageLocation,
  locationName,
  locationTarget,
  parseImageLocation,
  withLocationDigest,
  withoutLocationDigest,
} from './image-location.ts'
import type { ImageTools } from './image-tools.ts'
import { resolveLocation } from './resolve-location.ts'

/** A descriptor as a user may give it: a digest, and what else is known. */
export type GivenDescriptor = Pick<Descriptor, 'digest'> & Partial<Descriptor>

/** What a user names as source: a location, or a descriptor in a repository that is still to be found out. */
export interface NamedSource {
  /** As it was written, for messages. */
  readonly text: string
  readonly location?: ImageLocation
  readonly descriptor?: GivenDescriptor
}

/** A source that was looked up. */
export interface Source {
  readonly location: ImageLocation
  readonly descriptor: Descriptor
  /** The manifest or index. */
  readonly bytes: Uint8Array
}

/** Manifests looked up at the same time. */
const parallel = 8

/** Reads sources: digests, references, `oci-layout://` and `local://` locations, descriptor JSON. Throws in buildx's words. */
export function parseSources(texts: readonly string[]): readonly NamedSource[] {
  return texts.map(text => {
    try {
      return { text, ...parseSource(text) }
    } catch (error) {
      throw wrapError(
        `failed to parse source ${quote(text)}, valid sources are digests, references and descriptors`,
        error,
      )
    }
  })
}

function parseSource(text: string): Omit<NamedSource, 'text'> {
  if (isDigest(text)) return { descriptor: { digest: text } }
  if (text.startsWith('sha256')) {
    throw new SlipwayError(
      'invalid-argument',
      `invalid checksum digest ${/^sha256:[a-f0-9]*$/.test(text) ? 'length' : 'format'}`,
    )
  }
  if (!text.startsWith('{')) return { location: parseImageLocation(text) }
  return { descriptor: parseGiven(readObject(parseJson(Buffer.from(text), 'descriptor'), 'descriptor')) }
}

function parseGiven(object: JsonObject): GivenDescriptor {
  const what = 'descriptor'
  const schema = readInteger(object, 'schemaVersion', what) ?? 0
  if (schema !== 0) {
    throw new SlipwayError(
      'invalid-argument',
      `expected an OCI content descriptor, got a manifest or index (schemaVersion ${schema})`,
    )
  }
  const digest = readText(object, 'digest', what)
  if (digest === undefined)
    throw new SlipwayError('invalid-argument', 'invalid descriptor: digest is required')
  if (!isDigest(digest)) {
    throw new SlipwayError('invalid-argument', 'invalid descriptor digest: invalid checksum digest format')
  }
  const fields = {
    mediaType: readText(object, 'mediaType', what),
    size: readInteger(object, 'size', what) || undefined,
    annotations: readTextMap(object, 'annotations', what),
    urls: readTexts(object, 'urls', what),
    data: readText(object, 'data', what),
    artifactType: readText(object, 'artifactType', what),
    platform: parsePlatformObject(object['platform'], `${what}.platform`),
  }
  const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  return { digest, ...(known as Partial<Descriptor>) }
}

/**
 * Looks all sources up. Descriptors without a place of their own are sought in the one repository that the command
 * names, be it as source or as target. Throws in buildx's words.
 */
export async function resolveSources(
  named: readonly NamedSource[],
  targets: readonly ImageLocation[],
  tools: ImageTools,
): Promise<readonly Source[]> {
  const located = named.flatMap(source => source.location ?? [])
  const everywhere = [...targets, ...located]
  const names = new Set(everywhere.map(locationName))
  if (names.size === 0) {
    throw new SlipwayError(
      'invalid-argument',
      'no repositories specified, please set a reference in tag or source',
    )
  }
  const home = names.size === 1 ? (located[0] ?? targets[0]) : undefined
  const look = async (source: NamedSource, _: number, signal: AbortSignal): Promise<Source> => {
    const { location, descriptor } = source
    if (location !== undefined) return await lookUp(location, locationTarget(location), tools, signal)
    if (home === undefined || descriptor === undefined) {
      throw new SlipwayError(
        'invalid-argument',
        `multiple repositories specified, cannot infer repository for ${quote(source.text)}`,
      )
    }
    return await lookUpGiven(home, descriptor, tools, signal)
  }
  return await collectBounded(named, look, { limit: parallel, signal: tools.signal })
}

async function lookUp(
  location: ImageLocation,
  target: string | Digest,
  tools: ImageTools,
  signal: AbortSignal,
): Promise<Source> {
  const { descriptor, bytes } = await resolveLocation(location, target, tools, signal)
  return { location, descriptor, bytes }
}

/** What the user says of a descriptor wins over what the store says, except for its size, which must agree. */
async function lookUpGiven(
  home: ImageLocation,
  given: GivenDescriptor,
  tools: ImageTools,
  signal: AbortSignal,
): Promise<Source> {
  const bare = Object.keys(given).length === 1
  const location = bare ? withLocationDigest(home, given.digest) : withoutLocationDigest(home)
  const found = await lookUp(location, given.digest, tools, signal)
  const { size } = found.descriptor
  if (given.size !== undefined && given.size !== size) {
    throw new SlipwayError(
      'invalid-argument',
      `invalid size mismatch for ${given.digest}, ${given.size} != ${size}`,
    )
  }
  return { ...found, descriptor: { ...found.descriptor, ...given } }
}
