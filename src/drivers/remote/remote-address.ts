import type { Duplex } from 'node:stream'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { type GoUrl, parseGoUrl } from '../../gostd/url.ts'
import { commandDuplex } from '../command-duplex.ts'
import { present } from '../docker/dial-docker.ts'
import { shellWord } from '../shell-word.ts'
import { openSocket, type SocketTls } from '../socket.ts'

const schemes: readonly string[] = ['docker-container', 'kube-pod', 'npipe', 'ssh', 'tcp', 'unix']

/** Checks that an address is one of a BuildKit daemon. Throws `invalid-argument` in buildx's words. */
export function checkRemoteAddress(text: string): void {
  const { scheme } = parse(text)
  if (!schemes.includes(scheme)) {
    throw new SlipwayError('invalid-argument', `unrecognized url scheme ${scheme}`, {
      hint: 'write unix:///path, tcp://host:port, ssh://user@host, docker-container://name or kube-pod://name',
    })
  }
}

function parse(text: string): GoUrl {
  try {
    return parseGoUrl(text)
  } catch (error) {
    throw wrapError(`failed to parse endpoint ${text}`, error)
  }
}

/** A program that carries the connection. Sources: github.com/moby/buildkit client/connhelper at v0.32.2. */
export interface CarrierCommand {
  readonly command: string
  readonly args: readonly string[]
}

/** The program for addresses that need one; undefined for sockets. Throws `invalid-argument`. */
export function carrierCommand(text: string): CarrierCommand | undefined {
  const url = parseUrl(text)
  switch (url.protocol) {
    case 'ssh:':
      return bySsh(url)
    case 'docker-container:':
      return byDocker(url)
    case 'kube-pod:':
      return byKubectl(url)
    default:
      return undefined
  }
}

function parseUrl(text: string): URL {
  try {
    return new URL(text)
  } catch (cause) {
    throw new SlipwayError('invalid-argument', `failed to parse endpoint ${text}`, { cause })
  }
}

function bySsh(url: URL): CarrierCommand {
  if (url.password !== '') throw invalid('plain-text password is not supported')
  if (url.hostname === '') throw invalid('no host specified')
  if (url.search !== '') throw invalid(`extra query after the host: ${JSON.stringify(url.search.slice(1))}`)
  if (url.hash !== '') throw invalid(`extra fragment after the host: ${JSON.stringify(url.hash.slice(1))}`)
  const socket = decodeURIComponent(url.pathname)
  const args = [
    ...(url.username === '' ? [] : ['-l', decodeURIComponent(url.username)]),
    ...(url.port === '' ? [] : ['-p', url.port]),
    ...['--', url.hostname.replace(/^\[|\]$/g, ''), 'buildctl'],
    ...(socket === '' || socket === '/' ? [] : ['--addr', shellWord(`unix://${socket}`)]),
    'dial-stdio',
  ]
  return { command: 'ssh', args }
}

function byDocker(url: URL): CarrierCommand {
  const container = hostOf(url)
  if (container === '') throw invalid('url lacks container name')
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(container)) {
    throw invalid(`unsupported container name: ${JSON.stringify(container)}`)
  }
  const context = url.searchParams.get('context')
  const flags = context === null || context === '' ? [] : [`--context=${context}`]
  return { command: 'docker', args: [...flags, 'exec', '-i', container, 'buildctl', 'dial-stdio'] }
}

function byKubectl(url: URL): CarrierCommand {
  const pod = hostOf(url)
  const param = (name: string): string => url.searchParams.get(name) ?? ''
  if (pod === '') throw invalid('url lacks pod name')
  for (const [what, name] of [
    ['namespace', param('namespace')],
    ['pod', pod],
    ['container', param('container')],
  ] as const) {
    if (name !== '' && !/^[-a-z0-9.]+$/.test(name)) {
      throw invalid(`unsupported ${what} name: ${JSON.stringify(name)}`)
    }
  }
  const where = [`--context=${param('context')}`, `--namespace=${param('namespace')}`]
  const exec = ['exec', `--container=${param('container')}`, '-i', pod, '--', 'buildctl', 'dial-stdio']
  return { command: 'kubectl', args: [...where, ...exec] }
}

/** The host as written: URL folds the case only of schemes it knows. */
function hostOf(url: URL): string {
  return /^[^:]+:\/\/([^/?#]*)/.exec(url.href)?.[1] ?? ''
}

/** Opens a byte stream to a BuildKit daemon. Throws `unavailable`, `unauthenticated` (TLS), `invalid-argument`. */
export async function openRemote(
  text: string,
  tls: SocketTls | undefined,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Duplex> {
  const unix = /^unix:\/\/(.+)$/.exec(text)
  if (unix !== null) return await openSocket({ kind: 'unix', path: unix[1] ?? '' }, undefined, signal)
  const tcp = /^tcp:\/\/(\[[^\]]+\]|[^:/[\]]*):(\d{1,5})\/?$/.exec(text)
  if (tcp !== null) {
    const host = (tcp[1] ?? '').replace(/^\[|\]$/g, '') || '127.0.0.1'
    return await openSocket({ kind: 'tcp', host, port: Number(tcp[2]) }, tls, signal)
  }
  const carrier = carrierCommand(text)
  if (carrier === undefined) throw invalid(`invalid endpoint address: ${text}`)
  return commandDuplex(carrier.command, carrier.args, { env: present(env) })
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
