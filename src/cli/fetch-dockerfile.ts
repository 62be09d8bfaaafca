import { downloadDockerfile } from '../build/download-dockerfile.ts'
import type { Builder } from '../builder/builder.ts'
import { resolveNodes } from '../builder/resolve-nodes.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { StatusWriter } from '../status/solve-status.ts'
import { hostPlatform } from './host-platform.ts'

/** Reads the Dockerfile at a URL on the first node of the builder. Throws what the node says. */
export async function fetchDockerfile(
  url: string,
  builder: Builder,
  write: StatusWriter,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { nodes } = await resolveNodes(builder, { platforms: [], write, signal })
  const driver = nodes[0]?.driver
  if (driver === undefined) throw new SlipwayError('not-found', 'no drivers found')
  await using connection = await driver.dial(signal)
  return await downloadDockerfile(connection, url, { platform: hostPlatform(), onStatus: write, signal })
}
