import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { parseGoUrl } from '../../gostd/url.ts'

/** How a docker daemon is reached. */
export interface DockerEndpoint {
  /** `unix:///path`, `tcp://host:port`, `ssh://user@host`, `npipe://…`, `fd://…`. */
  readonly host: string
  /** Undefined: without TLS. */
  readonly tls?: DockerTls
  /** Why no connection can be made to it: TLS is asked for, and what it takes is not there. */
  readonly problem?: SlipwayError
}

/** PEM bytes for a daemon behind TLS. */
export interface DockerTls {
  readonly ca?: Uint8Array
  readonly cert?: Uint8Array
  readonly key?: Uint8Array
  readonly skipVerify: boolean
}

/** Where docker listens when nothing else is said. */
export const defaultDockerHost = 'unix:///var/run/docker.sock'

/**
 * A daemon address as docker completes it: missing ports and hosts are filled in (2376 as port: TLS is assumed). Throws
 * `invalid-argument` in docker's words. Source: https://github.com/docker/cli/blob/v29.1.3/opts/hosts.go
 */
export function parseDockerHost(text: string): string {
  const host = text.trim()
  if (host === '') return 'tcp://localhost:2376'
  const at = host.indexOf('://')
  const scheme = at < 0 ? 'tcp' : host.slice(0, at)
  const rest = at < 0 ? host : host.slice(at + 3)
  switch (scheme) {
    case 'unix':
      return simple('unix', rest, '/var/run/docker.sock')
    case 'npipe':
      return simple('npipe', rest, '//./pipe/docker_engine')
    case 'fd':
    case 'ssh':
      return host
    case 'tcp':
      return tcp(host, rest)
    default:
      throw invalid(`invalid bind address format: ${host}`)
  }
}

function simple(scheme: string, path: string, fallback: string): string {
  if (path.includes('://')) throw invalid(`invalid proto, expected ${scheme}: ${path}`)
  return `${scheme}://${path === '' ? fallback : path}`
}

function tcp(text: string, rest: string): string {
  if (rest === '') return 'tcp://localhost:2375'
  if (rest.includes('://')) throw invalid(`invalid proto, expected tcp: ${rest}`)
  const { host, path } = parseGoUrl(`tcp://${rest.endsWith(']:') ? `${rest}2375` : rest}`)
  const [, name, port] = /^(\[.*\]|[^:]*)(?::(\d*))?$/.exec(host) ?? []
  if (name === undefined) throw invalid(`invalid bind address format: ${text}`)
  return `tcp://${name === '' ? 'localhost' : name}:${port === undefined || port === '' ? '2375' : port}${path}`
}

/**
 * Checks that docker's client takes an address, which buildx asks of the endpoint of every node, also of one that is no
 * docker daemon. Throws `invalid-argument` in docker's words.
 * Sources: github.com/docker/cli cli/connhelper and github.com/moby/moby/client at v29.1.3.
 */
export function checkClientHost(host: string): void {
  const url = parseGoUrl(host)
  if (url.scheme === 'ssh') {
    const { user, password, hostname, query, fragment } = url
    const why =
      user !== undefined && password !== undefined
        ? 'plain-text password is not supported'
        : hostname === ''
          ? 'hostname is empty'
          : query !== ''
            ? `query parameters are not allowed: ${quote(query)}`
            : fragment === ''
              ? undefined
              : `fragments are not allowed: ${quote(fragment)}`
    if (why !== undefined) throw invalid(`ssh host connection is not valid: invalid SSH URL: ${why}`)
    return
  }
  const at = host.indexOf('://')
  if (at < 0 || at + 3 === host.length) throw invalid(`unable to parse docker host \`${host}\``)
  if (host.startsWith('npipe://')) throw invalid('protocol not available')
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)

/** Reads the TLS files of a folder as far as they are there (`ca.pem`, `cert.pem`, `key.pem`). */
export function readTlsFolder(folder: string, skipVerify: boolean): DockerTls | undefined {
  const file = (name: string): Uint8Array | undefined => {
    try {
      return readFileSync(join(folder, name))
    } catch {
      return undefined
    }
  }
  const ca = file('ca.pem')
  const cert = file('cert.pem')
  const key = file('key.pem')
  if (ca === undefined && cert === undefined && key === undefined) return undefined
  return {
    skipVerify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}
