import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerTls } from '../../buildkit/server/listen.ts'
import { tableOf, textOf } from '../../engine/config-value.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { isOrdinaryUser } from '../embedded.ts'
import type { Host } from '../host.ts'

/** Where a daemon listens, and who may connect. */
export interface ServerSettings {
  readonly addresses: readonly string[]
  readonly tls: ServerTls | undefined
  /** Owner of unix sockets. */
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly logFormat: string
  readonly logLevel: string
}

/** Reads what a configuration says of the server itself. Throws `invalid-argument`, `not-found`. */
export function serverSettings(document: Readonly<Record<string, unknown>>, host: Host): ServerSettings {
  const grpc = tableOf(document['grpc'])
  const log = tableOf(document['log'])
  const addresses = Array.isArray(grpc['address']) ? grpc['address'].map(String) : [defaultAddress(host)]
  if (addresses.length === 0) throw new SlipwayError('invalid-argument', '--addr cannot be empty')
  const group = textOf(grpc['group'])
  const debug = document['debug'] === true ? 'debug' : undefined
  return {
    addresses,
    tls: readTls(tableOf(grpc['tls'])),
    uid: idOf(grpc['uid']),
    gid: group === undefined ? idOf(grpc['gid']) : groupId(group),
    logFormat: textOf(log['format']) ?? 'text',
    logLevel: textOf(log['level']) ?? debug ?? textOf(host.env['BUILDKITD_LOG_LEVEL']) ?? 'info',
  }
}

function defaultAddress(host: Host): string {
  const folder = host.env['XDG_RUNTIME_DIR']?.split(':')[0]
  const usual = isOrdinaryUser(host) && folder ? folder : '/run'
  return `unix://${join(usual, 'buildkit/buildkitd.sock')}`
}

const idOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined

/** A group by number, or by its name in /etc/group. */
function groupId(group: string): number {
  if (/^\d+$/.test(group)) return Number(group)
  for (const line of readFileSync('/etc/group', 'utf8').split('\n')) {
    const [name, , id] = line.split(':')
    if (name === group) return Number(id)
  }
  throw new SlipwayError('invalid-argument', `group: unknown group ${group}`)
}

function readTls(table: Readonly<Record<string, unknown>>): ServerTls | undefined {
  const [cert, key, ca] = ['cert', 'key', 'ca'].map(name => textOf(table[name]))
  if (cert === undefined && key === undefined && ca === undefined) return undefined
  if (cert === undefined || key === undefined) {
    throw new SlipwayError('invalid-argument', 'you must specify key and cert file if one is specified', {
      hint: 'give both --tlscert and --tlskey',
    })
  }
  return { cert: read(cert), key: read(key), ...(ca === undefined ? {} : { ca: read(ca) }) }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (e) {
    throw new SlipwayError('not-found', `could not read ${path}`, { cause: e })
  }
}
