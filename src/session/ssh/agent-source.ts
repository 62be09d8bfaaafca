import type { Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { abortable } from '../../async/abort.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { type Agent, keyAgent, readOnlyAgent, streamAgent } from './agent.ts'
import { parsePrivateKey } from './private-key.ts'

/** One `--ssh` of a build. */
export interface AgentConfig {
  /** Name by which steps mount it; empty means `default`. */
  readonly id: string
  /** A socket of an agent, or files of private keys; none means the agent of `SSH_AUTH_SOCK`. */
  readonly paths: readonly string[]
  /** Pass the bytes of the socket on as they are, whatever it is. */
  readonly raw?: boolean
}

/** What answers for an id: an agent, request by request, or any socket. Each connection of a build opens it anew. */
export type AgentSource =
  | { readonly kind: 'agent'; readonly open: (signal: AbortSignal) => Promise<OpenAgent> }
  | { readonly kind: 'raw'; readonly open: (signal: AbortSignal) => Promise<Duplex> }

/** An agent in use. */
export interface OpenAgent extends Disposable {
  readonly agent: Agent
}

const maxKeyBytes = 100 * 1024

/**
 * Reads the `--ssh` values of a build. `authSock` is the value of SSH_AUTH_SOCK. Key files are read now, sockets dialled
 * when used. Throws `invalid-argument` in upstream's words: https://github.com/moby/buildkit/blob/v0.32.2/session/sshforward/sshprovider/agentprovider.go
 */
export async function agentSources(
  configs: readonly AgentConfig[],
  authSock: string | undefined,
): Promise<ReadonlyMap<string, AgentSource>> {
  const sources = new Map<string, AgentSource>()
  for (const config of configs) {
    const id = config.id || 'default'
    if (sources.has(id))
      throw new SlipwayError('invalid-argument', `duplicate agent ID ${JSON.stringify(id)}`)
    sources.set(id, await agentSource(id, config, authSock).catch(e => failed(id, config, e)))
  }
  return sources
}

function failed(id: string, { paths, raw }: AgentConfig, error: unknown): never {
  throw wrapError(`failed to convert agent config {${id} [${paths.join(' ')}] ${raw === true}}`, error)
}

async function agentSource(
  id: string,
  config: AgentConfig,
  authSock: string | undefined,
): Promise<AgentSource> {
  const raw = config.raw === true
  if (raw && config.paths.length !== 1) throw invalid('raw mode must supply exactly one path')
  const given = config.paths.length === 0 || (config.paths.length === 1 && config.paths[0] === '')
  const paths = given ? [authSock ?? ''] : config.paths
  if (paths[0] === '') {
    throw new SlipwayError(
      'invalid-argument',
      'invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set',
      {
        hint: 'start an agent (eval $(ssh-agent); ssh-add), or name a key: --ssh default=~/.ssh/id_ed25519',
      },
    )
  }
  try {
    return await openPaths(paths, raw)
  } catch (error) {
    throw wrapError(`failed to convert agent config for ID: ${JSON.stringify(id)}`, error)
  }
}

async function openPaths(paths: readonly string[], raw: boolean): Promise<AgentSource> {
  const keys: ReturnType<typeof parsePrivateKey>[] = []
  let socket: string | undefined
  for (const path of paths) {
    if (socket !== undefined) throw invalid('only single socket allowed')
    const isSocket = (await statPath(path)).isSocket()
    if (isSocket) socket = path
    else if (raw) throw invalid('raw mode only supported with socket paths')
    else keys.push(await readKey(path))
  }
  if (socket === undefined) {
    const agent = keyAgent(keys)
    return { kind: 'agent', open: async () => ({ agent, [Symbol.dispose]() {} }) }
  }
  if (keys.length > 0) throw invalid('invalid combination of keys and sockets')
  const path = socket
  if (raw) return { kind: 'raw', open: signal => dial(path, signal) }
  return {
    kind: 'agent',
    async open(signal) {
      const stream = await dial(path, signal)
      return { agent: readOnlyAgent(streamAgent(stream)), [Symbol.dispose]: () => void stream.destroy() }
    },
  }
}

async function statPath(path: string): Promise<Stats> {
  try {
    return await stat(path)
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    throw missing
      ? new SlipwayError('not-found', `stat ${path}: no such file or directory`, { cause })
      : cause
  }
}

async function readKey(path: string): Promise<ReturnType<typeof parsePrivateKey>> {
  await using file = await open(path)
  if ((await file.stat()).isDirectory()) throw invalid(`failed to read ${path}: read ${path}: is a directory`)
  const buffer = Buffer.alloc(maxKeyBytes)
  const { bytesRead } = await file.read(buffer, 0, maxKeyBytes, 0)
  try {
    return parsePrivateKey(buffer.subarray(0, bytesRead).toString('latin1'))
  } catch (error) {
    throw wrapError(`failed to parse ${path}`, error)
  } finally {
    buffer.fill(0)
  }
}

async function dial(path: string, signal: AbortSignal): Promise<Duplex> {
  const socket = connect({ path, allowHalfOpen: true })
  const ready = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', error => reject(wrapError(`failed to connect to ${path}`, error)))
  })
  try {
    await abortable(ready, signal)
  } catch (error) {
    socket.destroy()
    throw error
  }
  socket.on('error', () => {})
  return socket
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
