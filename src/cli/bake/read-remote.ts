import { definitionSecrets } from '../../bake/git-secrets.ts'
import { readRemoteDefinition, type RemoteDefinition } from '../../build/read-remote-definition.ts'
import type { Builder } from '../../builder/builder.ts'
import { resolveNodes } from '../../builder/resolve-nodes.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Attachable } from '../../session/attachable.ts'
import { ssh } from '../../session/attachables/ssh.ts'
import { agentSources } from '../../session/ssh/agent-source.ts'
import type { StatusWriter } from '../../status/solve-status.ts'
import { secretsAttachable } from '../client-attachables.ts'
import type { Host } from '../host.ts'
import { hostPlatform } from '../host-platform.ts'

/** Who reads a remote definition, and where that is shown. */
export interface ReadRemoteOptions {
  readonly host: Host
  readonly builder: Builder
  readonly write: StatusWriter
  readonly signal: AbortSignal
}

/** Reads the files of a remote definition on a node of the builder. Throws what the node says. */
export async function readRemote(
  url: string,
  names: readonly string[],
  { host, builder, write, signal }: ReadRemoteOptions,
): Promise<RemoteDefinition> {
  const { nodes } = await resolveNodes(builder, { platforms: [], write, signal })
  const driver = nodes[0]?.driver
  if (driver === undefined) throw new SlipwayError('not-found', 'no drivers found')
  const entries = definitionSecrets(url, Object.keys(host.env))
  const attachables = [await secretsAttachable(entries, host), ...(await agents(host))]
  await using connection = await driver.dial(signal)
  const platform = hostPlatform()
  return await readRemoteDefinition(connection, url, {
    names,
    attachables,
    platform,
    onStatus: write,
    signal,
  })
}

/** The agent or keys of BUILDX_BAKE_GIT_SSH, else the user's agent; none where there is nothing usable. */
async function agents({ env }: Host): Promise<readonly Attachable[]> {
  const paths = (env['BUILDX_BAKE_GIT_SSH'] ?? '').split(',').filter(path => path !== '')
  try {
    return [ssh(await agentSources([{ id: 'default', paths }], env['SSH_AUTH_SOCK']))]
  } catch {
    return []
  }
}
