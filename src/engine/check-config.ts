import { SlipwayError } from '../errors/slipway-error.ts'

/** What a setting is written as. `amount`: a number, or a text such as `10%` or `48h`. */
type Kind = 'text' | 'texts' | 'flag' | 'integer' | 'amount'

/** Settings of a table; `[…]` is a list of such tables, a function one table for each name. */
interface Table {
  readonly [key: string]: Kind | Table | readonly [Table] | { readonly each: Table | Kind }
}

const amounts = {
  gckeepstorage: 'amount',
  reservedSpace: 'amount',
  maxUsedSpace: 'amount',
  minFreeSpace: 'amount',
} as const

const worker: Table = {
  enabled: 'flag',
  labels: { each: 'text' },
  platforms: 'texts',
  snapshotter: 'text',
  rootless: 'flag',
  noProcessSandbox: 'flag',
  binary: 'text',
  proxySnapshotterPath: 'text',
  defaultCgroupParent: 'text',
  'apparmor-profile': 'text',
  selinux: 'flag',
  'max-parallelism': 'integer',
  networkMode: 'text',
  cniConfigPath: 'text',
  cniBinaryPath: 'text',
  cniPoolSize: 'integer',
  bridgeName: 'text',
  bridgeSubnet: 'text',
  gc: 'flag',
  ...amounts,
  gcpolicy: [{ all: 'flag', filters: 'texts', keepDuration: 'amount', keepBytes: 'amount', ...amounts }],
}

/** Settings of buildkitd.toml that are read, and those of BuildKit that mean nothing here. */
const settings: Table = {
  debug: 'flag',
  trace: 'flag',
  root: 'text',
  'insecure-entitlements': 'texts',
  proxyNetwork: 'flag',
  provenanceEnvDir: 'text',
  log: { format: 'text', level: 'text' },
  grpc: {
    address: 'texts',
    debugAddress: 'text',
    uid: 'integer',
    gid: 'integer',
    tls: { cert: 'text', key: 'text', ca: 'text' },
  },
  otel: { socketPath: 'text' },
  cdi: { disabled: 'flag', specDirs: 'texts', autoAllowed: 'texts' },
  worker: { oci: worker, containerd: worker },
  registry: {
    each: {
      mirrors: 'texts',
      http: 'flag',
      insecure: 'flag',
      ca: 'texts',
      keypair: [{ key: 'text', cert: 'text' }],
      tlsconfigdir: 'texts',
    },
  },
  dns: { nameservers: 'texts', options: 'texts', searchDomains: 'texts' },
  history: { maxAge: 'amount', maxEntries: 'integer' },
  frontend: {
    'dockerfile.v0': { enabled: 'flag' },
    'gateway.v0': { enabled: 'flag', allowedRepositories: 'texts' },
  },
  system: { platformsCacheMaxAge: 'amount', maxRegistryConcurrency: 'integer' },
}

/**
 * Looks whether the settings of a document are of the kind they have to be; keys that nobody knows are left alone. Throws
 * `invalid-argument` naming the setting: `registry."x".mirrors: a list of texts is wanted, not an integer`. Source:
 * https://github.com/moby/buildkit/blob/v0.32.2/cmd/buildkitd/config/config.go
 */
export function checkConfig(document: Readonly<Record<string, unknown>>): void {
  checkTable(document, settings, '')
}

function checkTable(value: unknown, table: Table, path: string): void {
  if (!isTable(value)) throw wrong(path, 'a table', value)
  for (const [key, kind] of Object.entries(table)) {
    if (value[key] === undefined) continue
    check(value[key], kind, path === '' ? key : `${path}.${shownKey(key)}`)
  }
}

function check(value: unknown, kind: Table[string], path: string): void {
  if (typeof kind === 'string') {
    if (!isOfKind(value, kind)) throw wrong(path, names[kind], value)
  } else if (isList(kind)) {
    if (!Array.isArray(value)) throw wrong(path, 'a list of tables', value)
    for (const [i, one] of value.entries()) checkTable(one, kind[0], `${path}[${i}]`)
  } else if (isEach(kind)) {
    if (!isTable(value)) throw wrong(path, 'a table', value)
    for (const [key, one] of Object.entries(value)) check(one, kind.each, `${path}.${shownKey(key)}`)
  } else checkTable(value, kind, path)
}

const isList = (kind: Table[string]): kind is readonly [Table] => Array.isArray(kind)

const isEach = (kind: Table[string]): kind is { readonly each: Table | Kind } =>
  typeof kind === 'object' && 'each' in kind

const names: Readonly<Record<Kind, string>> = {
  text: 'a text',
  texts: 'a list of texts',
  flag: 'true or false',
  integer: 'an integer',
  amount: 'a number or a text',
}

function isOfKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'text':
      return typeof value === 'string'
    case 'texts':
      return Array.isArray(value) && value.every(one => typeof one === 'string')
    case 'flag':
      return typeof value === 'boolean'
    case 'integer':
      return Number.isInteger(value) || typeof value === 'bigint'
    case 'amount':
      return ['number', 'bigint', 'string'].includes(typeof value)
  }
}

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

const shownKey = (key: string): string => (/^[\w-]+$/.test(key) ? key : `"${key}"`)

function wrong(path: string, wanted: string, value: unknown): SlipwayError {
  return new SlipwayError('invalid-argument', `${path}: ${wanted} is wanted, not ${kindOf(value)}`)
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Date) return 'a time'
  if (isTable(value)) return 'a table'
  if (typeof value === 'string') return 'a text'
  if (typeof value === 'boolean') return `${value}`
  return Number.isInteger(value) || typeof value === 'bigint' ? 'an integer' : 'a number'
}
