import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { tryParseBool } from '../gostd/parse-number.ts'
import { quote } from '../gostd/quote.ts'
import { distinctAttests, parseAttestEntry } from './attrs/attest-entry.ts'
import { distinctCaches, parseCacheEntries } from './attrs/cache-entry.ts'
import { distinctExports, parseExportEntries } from './attrs/export-entry.ts'
import { parsePolicyEntry } from './attrs/policy-entry.ts'
import { setResource } from './attrs/resources.ts'
import { distinctSecrets, parseSecretEntries, parseSecretEntry } from './attrs/secret-entry.ts'
import { distinctSsh, parseSshEntries } from './attrs/ssh-entry.ts'
import type { EntitlementGrants } from './entitlements.ts'
import { withLoad, withPush } from './output-shorthand.ts'
import type { TargetOverride } from './override.ts'
import type { Target } from './target.ts'

/** A target with the overrides applied, and what giving them on the command line permits. */
export interface Overridden {
  readonly target: Target
  readonly grants: Partial<EntitlementGrants>
}

interface State {
  target: Target
  readonly read: string[]
  readonly write: string[]
  readonly secretIds: Set<string>
  networkHost: boolean
  securityInsecure: boolean
}

/** Applies what `--set` says about a target. Throws `invalid-argument`, `unknown key: …` for a key that does not exist. */
export function applyOverrides(target: Target, overrides: ReadonlyMap<string, TargetOverride>): Overridden {
  const state: State = {
    target,
    read: [],
    write: [],
    secretIds: new Set(),
    networkHost: false,
    securityInsecure: false,
  }
  const later: (readonly [string, TargetOverride])[] = []
  for (const [key, override] of overrides) {
    if (key === 'push' || key === 'load' || key.startsWith('secret.')) later.push([key, override])
    else applyOne(state, key, override)
  }
  // Pushing, loading and the parts of single secrets concern what the other keys leave.
  for (const [key, override] of later) applyOne(state, key, override)
  for (const s of state.target.secrets ?? [])
    if (state.secretIds.has(s.id) && s.source !== undefined) state.read.push(s.source)
  const { networkHost, securityInsecure } = state
  return {
    target: state.target,
    grants: { read: state.read, write: state.write, networkHost, securityInsecure },
  }
}

function applyOne(state: State, key: string, o: TargetOverride): void {
  const dot = key.indexOf('.')
  const first = dot < 0 ? key : key.slice(0, dot)
  const name = dot < 0 ? undefined : key.slice(dot + 1)
  const apply = Object.hasOwn(handlers, first) ? handlers[first] : undefined
  if (apply === undefined) throw invalid(`unknown key: ${first}`)
  apply(state, o, name)
}

type Handler = (state: State, o: TargetOverride, name: string | undefined) => void
type Listed = 'tags' | 'platforms' | 'noCacheFilter' | 'ulimits'

const text =
  (field: 'context' | 'dockerfile' | 'target' | 'call' | 'shmSize' | 'network'): Handler =>
  (state, o) => {
    state.target = { ...state.target, [field]: o.value }
  }

const listed =
  (field: Listed): Handler =>
  (state, o) => {
    state.target = {
      ...state.target,
      [field]: o.append ? [...(state.target[field] ?? []), ...o.values] : o.values,
    }
  }

const flag =
  (key: string, field: 'pull' | 'noCache'): Handler =>
  (state, o) => {
    state.target = { ...state.target, [field]: readFlag(key, o.value) }
  }

const named =
  (key: string, what: string, field: 'args' | 'labels' | 'extraHosts' | 'contexts'): Handler =>
  (state, o, name) => {
    if (name === undefined)
      throw invalid(
        `invalid format for ${key}, expecting ${key}.<${what}>=<${what === 'hostname' ? 'ip' : 'value'}>`,
      )
    state.target = { ...state.target, [field]: new Map([...(state.target[field] ?? []), [name, o.value]]) }
  }

function readFlag(key: string, value: string): boolean {
  const on = tryParseBool(value)
  if (on === undefined) throw invalid(`invalid value ${value} for boolean key ${key}`)
  return on
}

const handlers: Readonly<Record<string, Handler>> = {
  context: text('context'),
  dockerfile: text('dockerfile'),
  target: text('target'),
  call: text('call'),
  'shm-size': text('shmSize'),
  network: text('network'),
  args: named('args', 'name', 'args'),
  labels: named('labels', 'name', 'labels'),
  contexts: named('contexts', 'name', 'contexts'),
  'extra-hosts': named('extra-hosts', 'hostname', 'extraHosts'),
  tags: listed('tags'),
  platform: listed('platforms'),
  'no-cache-filter': listed('noCacheFilter'),
  ulimits: listed('ulimits'),
  pull: flag('pull', 'pull'),
  'no-cache': flag('no-cache', 'noCache'),
  push: (state, o) => {
    state.target = {
      ...state.target,
      outputs: withPush(state.target.outputs ?? [], readFlag('push', o.value)),
    }
  },
  load: (state, o) => {
    if (readFlag('load', o.value))
      state.target = { ...state.target, outputs: withLoad(state.target.outputs ?? []) }
  },
  policy: (state, o) => {
    const policy = [...(o.append ? (state.target.policy ?? []) : []), ...o.values.map(parsePolicyEntry)]
    state.target = { ...state.target, policy }
  },
  annotations: (state, o) => {
    state.target = { ...state.target, annotations: [...(state.target.annotations ?? []), ...o.values] }
  },
  attest: (state, o) => {
    const given = inContext('invalid value for attest', () =>
      o.values.filter(v => v !== '').map(parseAttestEntry),
    )
    state.target = { ...state.target, attest: distinctAttests([...(state.target.attest ?? []), ...given]) }
  },
  entitlements: (state, o) => {
    state.target = { ...state.target, entitlements: [...(state.target.entitlements ?? []), ...o.values] }
    state.networkHost ||= o.values.includes('network.host')
    state.securityInsecure ||= o.values.includes('security.insecure')
  },
  'cache-from': (state, o) => {
    const caches = parseCacheEntries(o.values)
    const cacheFrom = o.append ? distinctCaches([...(state.target.cacheFrom ?? []), ...caches]) : caches
    state.target = { ...state.target, cacheFrom }
    for (const c of cacheFrom)
      if (c.type === 'local' && c.attributes['src'] !== undefined) state.read.push(c.attributes['src'])
  },
  'cache-to': (state, o) => {
    const caches = parseCacheEntries(o.values)
    const cacheTo = o.append ? distinctCaches([...(state.target.cacheTo ?? []), ...caches]) : caches
    state.target = { ...state.target, cacheTo }
    for (const c of cacheTo)
      if (c.type === 'local' && c.attributes['dest'] !== undefined) state.write.push(c.attributes['dest'])
  },
  output: (state, o) => {
    const given = inContext('invalid value for outputs', () => parseExportEntries(o.values))
    const outputs = o.append ? distinctExports([...(state.target.outputs ?? []), ...given]) : given
    state.target = { ...state.target, outputs }
    for (const e of outputs) if (e.destination !== undefined) state.write.push(e.destination)
  },
  secrets: (state, o) => {
    const given = inContext('invalid value for outputs', () => parseSecretEntries(o.values))
    for (const s of given) state.secretIds.add(s.id)
    state.target = {
      ...state.target,
      secrets: o.append ? distinctSecrets([...(state.target.secrets ?? []), ...given]) : given,
    }
  },
  secret: (state, o, name) => {
    if (name === undefined || name === '')
      throw invalid('invalid format for secret, expecting secret.<id>=<value>')
    if (!(state.target.secrets ?? []).some(s => s.id === name))
      throw invalid(`secret ${quote(name)} must be declared before it can be overridden`)
    const next = parseSecretEntry(o.value)
    if (next.id !== '' && next.id !== name)
      throw invalid(`secret override id ${quote(next.id)} does not match declared secret ${quote(name)}`)
    state.target = {
      ...state.target,
      secrets: (state.target.secrets ?? []).map(s => (s.id === name ? { ...next, id: name } : s)),
    }
    state.secretIds.add(name)
  },
  ssh: (state, o) => {
    const given = parseSshEntries(o.values)
    const ssh = o.append ? distinctSsh([...(state.target.ssh ?? []), ...given]) : given
    state.target = { ...state.target, ssh }
    for (const s of ssh) state.read.push(...s.paths)
  },
  resources: (state, o, name) => {
    if (name === undefined) throw invalid('invalid format for resources, expecting resources.<name>=<value>')
    state.target = { ...state.target, resources: setResource(state.target.resources ?? {}, name, o.value) }
  },
}

function inContext<T>(context: string, body: () => T): T {
  try {
    return body()
  } catch (e) {
    throw wrapError(context, e)
  }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
