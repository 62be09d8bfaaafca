import { parse } from 'smol-toml'
import { SlipwayError } from '../errors/slipway-error.ts'
import { type BuilderHost, openPlaces } from './builder-host.ts'
import { openStore } from './builder-store.ts'
import { findBuilder } from './resolve-builder.ts'

/** What the first node of a builder was configured with. */
export interface BuilderConfig {
  /** Its buildkitd.toml. */
  readonly document: Readonly<Record<string, unknown>>
  /** Files that the document names, by their paths in the daemon's container. */
  readonly files: Readonly<Record<string, Uint8Array>>
}

/** Folder of a daemon's configuration inside its container. */
const configFolder = '/etc/buildkit'

/**
 * The configuration that a stored builder was created with; undefined where it is not stored or has none. The current
 * builder is meant by an empty name. Throws `not-found` for a name that there is not, `invalid-argument` for a broken file.
 */
export async function builderConfig(
  host: BuilderHost,
  name: string,
  signal: AbortSignal,
): Promise<BuilderConfig | undefined> {
  const found = await findBuilder(host, name, signal)
  if (!found.isStored) return undefined
  using store = await openStore(openPlaces(host).dir, signal)
  const stored = store.get(found.name)?.nodes[0]?.files ?? {}
  const toml = stored['buildkitd.toml']
  if (toml === undefined) return undefined
  const files = Object.fromEntries(
    Object.entries(stored).map(([path, bytes]) => [`${configFolder}/${path}`, bytes]),
  )
  try {
    return { document: parse(Buffer.from(toml).toString('utf8')), files }
  } catch (cause) {
    throw new SlipwayError('invalid-argument', `failed to parse buildkitd.toml of builder ${found.name}`, {
      cause,
    })
  }
}
