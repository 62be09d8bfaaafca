import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { csvFields } from '../gostd/csv.ts'
import { quote } from '../gostd/quote.ts'

/** What a build may do beyond using its own folder. */
export interface EntitlementGrants {
  readonly networkHost: boolean
  readonly securityInsecure: boolean
  /** Devices by name; `all` for every one. */
  readonly devices: { readonly all: boolean; readonly names: readonly string[] }
  /** Paths that may be read; `*` stands for all. */
  readonly read: readonly string[]
  /** Paths that may be written; `*` stands for all. */
  readonly write: readonly string[]
  /** The SSH agent of the environment. */
  readonly ssh: boolean
  /** Deleting files in output folders that a build did not make. */
  readonly localDelete: boolean
}

/** No grants at all. */
export const noGrants: EntitlementGrants = {
  networkHost: false,
  securityInsecure: false,
  devices: { all: false, names: [] },
  read: [],
  write: [],
  ssh: false,
  localDelete: false,
}

/** The grants of `a` and `b` together. */
export function addGrants(a: EntitlementGrants, b: Partial<EntitlementGrants>): EntitlementGrants {
  return {
    networkHost: a.networkHost || b.networkHost === true,
    securityInsecure: a.securityInsecure || b.securityInsecure === true,
    devices: {
      all: a.devices.all || b.devices?.all === true,
      names: [...a.devices.names, ...(b.devices?.names ?? [])],
    },
    read: [...a.read, ...(b.read ?? [])],
    write: [...a.write, ...(b.write ?? [])],
    ssh: a.ssh || b.ssh === true,
    localDelete: a.localDelete || b.localDelete === true,
  }
}

/** Reads the values of `--allow`. Throws `invalid-argument`: `unknown entitlement key "x"` and the like. */
export function parseAllow(values: readonly string[]): EntitlementGrants {
  return values.map(parseOne).reduce<EntitlementGrants>(addGrants, noGrants)
}

function parseOne(text: string): Partial<EntitlementGrants> {
  if (text === 'network.host') return { networkHost: true }
  if (text === 'security.insecure') return { securityInsecure: true }
  if (text === 'ssh') return { ssh: true }
  if (text === 'buildx.local.delete') return { localDelete: true }
  const at = text.indexOf('=')
  const key = at < 0 ? text : text.slice(0, at)
  const value = at < 0 ? '' : text.slice(at + 1)
  switch (key) {
    case 'device':
      return value === ''
        ? { devices: { all: true, names: [] } }
        : { devices: { all: false, names: [deviceName(value)] } }
    case 'fs.read':
      return { read: [value] }
    case 'fs.write':
      return { write: [value] }
    case 'fs':
      return { read: [value], write: [value] }
    case 'image':
    case 'image.push':
    case 'image.load':
      return {}
    case 'buildx.local.delete':
      throw new SlipwayError('invalid-argument', 'buildx.local.delete does not accept a value')
    default:
      throw new SlipwayError('invalid-argument', `unknown entitlement key ${quote(key)}`)
  }
}

/** The device of `name,attribute=…`. */
export function deviceName(value: string): string {
  try {
    return csvFields(value)[0] as string
  } catch (e) {
    throw wrapError(`failed to parse device entitlement ${quote(value)}`, e)
  }
}
