import { SlipwayError } from '../errors/slipway-error.ts'
import { distinctAttests } from './attrs/attest-entry.ts'
import { distinctCaches } from './attrs/cache-entry.ts'
import { distinctExports } from './attrs/export-entry.ts'
import { distinctSecrets } from './attrs/secret-entry.ts'
import { distinctSsh } from './attrs/ssh-entry.ts'
import type { OptionalTexts, PathBases, Target } from './target.ts'

/** Fields of which the later target's value replaces the earlier one's. */
const replaced = [
  'context',
  'dockerfile',
  'dockerfileInline',
  'tags',
  'target',
  'call',
  'platforms',
  'cacheTo',
  'outputs',
  'pull',
  'noCache',
  'network',
  'shmSize',
] as const

/** Lists that are joined, earlier entries first. */
const joined = ['annotations', 'policy', 'noCacheFilter', 'ulimits', 'entitlements', 'inherits'] as const

/** Fields without those that are absent, so that spreading them over others changes nothing. */
type Draft = { -readonly [K in keyof Target]?: Target[K] }

/** Target `a` with what `b` says on top: what same-named targets and `inherits` do (buildx bake/bake.go at v0.36.1). */
export function mergeTarget(a: Target, b: Target): Target {
  const out: Draft = { ...a }
  const put = <K extends keyof Target>(key: K, value: Target[K]): void => {
    out[key] = value
  }
  for (const key of replaced) if (b[key] !== undefined) put(key, b[key])
  for (const key of joined) if (b[key] !== undefined) put(key, join(a[key] ?? [], b[key]) as never)
  if (b.description !== undefined && b.description !== '') out.description = b.description
  for (const key of ['args', 'labels', 'extraHosts'] as const) {
    const merged = mergeTexts(a[key], b[key])
    if (merged !== undefined) out[key] = merged
  }
  if (b.contexts !== undefined && b.contexts.size > 0)
    out.contexts = new Map([...(a.contexts ?? []), ...b.contexts])
  if (b.attest !== undefined) out.attest = distinctAttests([...(a.attest ?? []), ...b.attest])
  if (b.secrets !== undefined) out.secrets = distinctSecrets([...(a.secrets ?? []), ...b.secrets])
  if (b.ssh !== undefined) out.ssh = distinctSsh([...(a.ssh ?? []), ...b.ssh])
  if (b.cacheFrom !== undefined) out.cacheFrom = distinctCaches([...(a.cacheFrom ?? []), ...b.cacheFrom])
  if (b.resources !== undefined) out.resources = { ...a.resources, ...b.resources }
  const bases = mergeBases(a, b)
  if (bases !== undefined) out.bases = bases
  return out as Target
}

/** How long a list may get that is joined from those of many targets. */
const maxJoined = 100_000

function join(a: readonly unknown[], b: readonly unknown[]): readonly unknown[] {
  if (a.length + b.length > maxJoined)
    throw new SlipwayError('resource-exhausted', `a list of a target has more than ${maxJoined} entries`)
  return [...a, ...b]
}

function mergeTexts(a: OptionalTexts | undefined, b: OptionalTexts | undefined): OptionalTexts | undefined {
  const said = [...(b ?? [])].filter(([, v]) => v !== undefined)
  return said.length === 0 ? a : new Map([...(a ?? []), ...said])
}

function mergeBases(a: Target, b: Target): PathBases | undefined {
  if (a.bases === undefined && b.bases === undefined) return undefined
  const { byDefault, context, contextOf, contexts } = b.bases ?? {}
  const fromB = b.context !== undefined
  const own = fromB ? { context, contextOf } : { context: a.bases?.context, contextOf: a.bases?.contextOf }
  const folders = new Map(a.bases?.contexts)
  for (const name of b.contexts?.keys() ?? []) folders.delete(name)
  for (const [name, folder] of contexts ?? []) folders.set(name, folder)
  const start = byDefault ?? a.bases?.byDefault
  return {
    ...(start === undefined ? {} : { byDefault: start }),
    ...(own.context === undefined ? {} : { context: own.context }),
    ...(own.contextOf === undefined ? {} : { contextOf: own.contextOf }),
    contexts: folders,
  }
}

/** The target with repeated entries left out, empty contexts dropped, and what host networking needs added. */
export function normalizeTarget(t: Target): Target {
  const out: Draft = { ...t }
  for (const key of ['annotations', 'tags', 'platforms', 'noCacheFilter', 'ulimits'] as const) {
    if (t[key] !== undefined) out[key] = distinctTexts(t[key])
  }
  const entitlements = [...(t.entitlements ?? []), ...(t.network === 'host' ? ['network.host'] : [])]
  out.entitlements = distinctTexts(entitlements)
  if (t.attest !== undefined) out.attest = distinctAttests(t.attest)
  if (t.secrets !== undefined) out.secrets = distinctSecrets(t.secrets)
  if (t.ssh !== undefined) out.ssh = distinctSsh(t.ssh)
  if (t.cacheFrom !== undefined) out.cacheFrom = distinctCaches(t.cacheFrom)
  if (t.cacheTo !== undefined) out.cacheTo = distinctCaches(t.cacheTo)
  if (t.outputs !== undefined) out.outputs = distinctExports(t.outputs)
  if (t.contexts !== undefined) {
    const contexts = new Map([...t.contexts].filter(([, value]) => value !== ''))
    if (contexts.size > 0) out.contexts = contexts
    else delete out.contexts
  }
  return out as Target
}

/** The texts without empty and repeated ones. */
export function distinctTexts(texts: readonly string[]): string[] {
  return [...new Set(texts)].filter(t => t !== '')
}
