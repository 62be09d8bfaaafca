import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { SourceContext } from '../source-context.ts'
import { createGit, type Git } from './git-command.ts'
import type { GitIdentifier } from './git-identifier.ts'

/** Where what opens private repositories comes from: the clients whose builds want them. */
export interface GitSecrets {
  readonly secret: (id: string, ctx: SourceContext) => Promise<Uint8Array | undefined>
  readonly sshAgent: (
    id: string,
    owner: { readonly uid: number; readonly gid: number; readonly mode: number },
    ctx: SourceContext,
  ) => Promise<({ readonly path: string } & AsyncDisposable) | undefined>
}

/** Git that may reach one remote, until disposed. */
export interface GitAccess extends AsyncDisposable {
  readonly git: Git
}

/**
 * Gets ready what a remote asks for: a token or header of the client's secrets, its agent, the hosts it knows. Throws
 * `not-found` (`no SSH key "x" forwarded from the client`).
 */
export async function openAccess(
  identifier: GitIdentifier,
  env: Readonly<Record<string, string>>,
  secrets: GitSecrets,
  ctx: SourceContext,
): Promise<GitAccess> {
  await using opening = new AsyncDisposableStack()
  const header = await authorization(identifier, secrets, ctx)
  const agent =
    identifier.sshSocket === undefined ? undefined : await agentOf(identifier.sshSocket, secrets, ctx)
  if (agent !== undefined) opening.use(agent)
  let knownHosts: string | undefined
  if (identifier.knownSshHosts !== undefined && identifier.knownSshHosts !== '') {
    const directory = await mkdtemp(join(tmpdir(), 'slipway-git-'))
    opening.defer(() => rm(directory, { recursive: true, force: true }))
    knownHosts = join(directory, 'known_hosts')
    await writeFile(knownHosts, identifier.knownSshHosts, { mode: 0o600 })
  }
  const git = createGit({
    env,
    ...(header === undefined
      ? {}
      : {
          config: [
            [`http.${tokenScope(identifier.remote)}.extraheader`, `Authorization: ${header}`],
          ] as const,
          hidden: [header, ...header.split(' ').slice(1)].filter(text => text.length > 3),
        }),
    sshAgent: agent?.path,
    knownHosts,
    log: (stream, data) => ctx.progress.log(stream, data),
    signal: ctx.signal,
  })
  const opened = opening.move()
  return { git, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

async function agentOf(
  id: string,
  secrets: GitSecrets,
  ctx: SourceContext,
): Promise<{ readonly path: string } & AsyncDisposable> {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mode: 0o700 }
  const agent = await secrets.sshAgent(id, owner, ctx)
  if (agent !== undefined) return agent
  throw new SlipwayError('not-found', `no SSH key ${JSON.stringify(id)} forwarded from the client`, {
    hint: `forward an agent with --ssh ${id}`,
  })
}

/** The value of the Authorization header. Secrets of the host go before those of all hosts, headers before tokens. */
async function authorization(
  identifier: GitIdentifier,
  secrets: GitSecrets,
  ctx: SourceContext,
): Promise<string | undefined> {
  const { remote, authHeaderSecret, authTokenSecret } = identifier
  const host = /^https?:\/\/(?:[^/@]*@)?([^/?#]+)/i.exec(remote)?.[1]
  if (host === undefined) return undefined
  for (const suffix of [`.${host}`, '']) {
    for (const [id, isToken] of [
      [authHeaderSecret, false],
      [authTokenSecret, true],
    ] as const) {
      if (id === undefined || id === '') continue
      const bytes = await secrets.secret(id + suffix, ctx)
      if (bytes === undefined) continue
      if (!isToken) return Buffer.from(bytes).toString('utf8').trim()
      const user = Buffer.concat([Buffer.from('x-access-token:'), bytes])
      return `basic ${user.toString('base64')}`
    }
  }
  return undefined
}

/** A token is for one remote only; for GitHub it is for all of it, as actions/checkout has it. */
function tokenScope(remote: string): string {
  return ['https://github.com/', 'https://www.github.com/'].find(site => remote.startsWith(site)) ?? remote
}
