import { parse } from 'smol-toml'
import { SlipwayError } from '../errors/slipway-error.ts'
import { type BuilderHost, openPlaces } from './builder-host.ts'
import { openStore } from './builder-store.ts'
import { isBuilderName } from './builder-name.ts'
import { embeddedName } from './load-builder.ts'

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
  const { contexts, dir } = openPlaces(host)
  using store = await openStore(dir, signal)
  const group =
    name === '' ? store.current(contexts.currentEndpoint) : isBuilderName(name) ? store.get(name) : undefined
  if (group === undefined && ![embeddedName, '', ...contexts.names].includes(name))
    throw new SlipwayError('not-found', `no builder ${JSON.stringify(name)} found`)
  const stored = group?.nodes[0]?.files ?? {}
  const toml = stored['buildkitd.toml']
  if (toml === undefined) return undefined
  const files = Object.fromEntries(
    Object.entries(stored).map(([path, bytes]) => [`${configFolder}/${path}`, bytes]),
  )
  try {
    return { document: parse(Buffer.from(toml).toString('utf8')), files }
  } catch (cause) {
    throw new SlipwayError(
      'invalid-argument',
      `failed to parse buildkitd.toml of builder ${group?.name ?? name}`,
      {
        cause,
      },
    )
  }
}
