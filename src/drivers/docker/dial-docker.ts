import type { Duplex } from 'node:stream'
import { isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { commandDuplex } from '../command-duplex.ts'
import { shellWord } from '../shell-word.ts'
import { openSocket } from '../socket.ts'
import { checkClientHost, type DockerEndpoint } from './docker-endpoint.ts'

/** How long a daemon may take to accept a connection, ms. */
const dialTimeout = 10_000

/**
 * Opens a byte stream to a docker daemon: a socket, TLS, or `docker system dial-stdio` by ssh. Throws `unavailable` and
 * `permission-denied` in docker's words (https://github.com/moby/moby/blob/v29.1.3/client/request.go).
 */
export async function dialDocker(
  endpoint: DockerEndpoint,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Duplex> {
  const { host, tls } = endpoint
  if (endpoint.problem !== undefined) throw endpoint.problem
  checkClientHost(host)
  const unix = /^unix:\/\/(.+)$/.exec(host)
  const tcp = /^(?:tcp|https?):\/\/(\[[^\]]+\]|[^:/]+):(\d+)/.exec(host)
  if (host.startsWith('ssh://')) return dialBySsh(host, env)
  if (unix === null && tcp === null) {
    throw new SlipwayError('unimplemented', `unable to parse docker host \`${host}\``, {
      hint: 'docker is reached over unix://, tcp:// and ssh:// here',
    })
  }
  const limit = AbortSignal.timeout(dialTimeout)
  try {
    const both = AbortSignal.any([signal, limit])
    if (unix !== null) return await openSocket({ kind: 'unix', path: unix[1] ?? '' }, undefined, both)
    const address = {
      kind: 'tcp',
      host: (tcp?.[1] ?? '').replace(/^\[|\]$/g, ''),
      port: Number(tcp?.[2]),
    } as const
    return await openSocket(address, tls, both)
  } catch (error) {
    if (signal.aborted) throw error
    if (limit.aborted) throw cannotConnect(host, error)
    throw inDockerWords(host, error)
  }
}

/** Docker's words for a daemon that does not answer at all. */
export function cannotConnect(host: string, cause: unknown): SlipwayError {
  return new SlipwayError(
    'unavailable',
    `Cannot connect to the Docker daemon at ${host}. Is the docker daemon running?`,
    { cause },
  )
}

function inDockerWords(host: string, error: unknown): SlipwayError {
  if (!isSlipwayError(error)) return cannotConnect(host, error)
  if (error.code === 'permission-denied') {
    return new SlipwayError(
      'permission-denied',
      `permission denied while trying to connect to the docker API at ${host}`,
      { cause: error, hint: 'add yourself to the group that owns the socket, or use the builder `slipway`' },
    )
  }
  if (error.message.endsWith('no such file or directory')) {
    return new SlipwayError(
      'unavailable',
      `failed to connect to the docker API at ${host}; check if the path is correct and if the daemon is running: ${error.message}`,
      { cause: error },
    )
  }
  if (error.message.includes('no such host')) {
    return new SlipwayError(
      'unavailable',
      `failed to connect to the docker API at ${host}: ${error.message.replace(/^dial tcp: /, '')}`,
      {
        cause: error,
      },
    )
  }
  if (error.code === 'unauthenticated' || error.code === 'invalid-argument') {
    return new SlipwayError(error.code, `error during connect: ${error.message}`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    })
  }
  return cannotConnect(host, error)
}

function dialBySsh(host: string, env: Readonly<Record<string, string | undefined>>): Duplex {
  const url = new URL(host)
  const path = decodeURIComponent(url.pathname)
  const remote = path.replaceAll('/', '') === '' ? [] : [shellWord(`--host=unix://${path}`)]
  const args = [
    ...(url.username === '' ? [] : ['-l', decodeURIComponent(url.username)]),
    ...(url.port === '' ? [] : ['-p', url.port]),
    ...['-o', 'ConnectTimeout=30', '-T', '--', url.hostname, 'docker', ...remote, 'system', 'dial-stdio'],
  ]
  return commandDuplex('ssh', args, { env: present(env) })
}

/** The variables that are set. */
export function present(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  )
}
