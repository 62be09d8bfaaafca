import type { CacheEntry } from '../bake/attrs/cache-entry.ts'
import { tryParseBool } from '../gostd/parse-number.ts'
import type { ProxySettings } from '../registry/http/node-transport.ts'

/** What caches in clouds are completed from. */
export interface CacheSurroundings {
  /** Variables of the user's process. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly proxy: ProxySettings
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly signal: AbortSignal
}

/**
 * An entry with what the user's environment knows of it, since a node has none of that: service and token of a workflow
 * run for `gha`, credentials for `s3`. Undefined for a `gha` cache outside a workflow run: the build does without it.
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/build/opt.go, CreateCaches
 */
export async function completeCacheEntry(
  entry: CacheEntry,
  surroundings: CacheSurroundings,
): Promise<CacheEntry | undefined> {
  if (entry.type === 'gha') return actionsEntry(entry, surroundings.env)
  if (entry.type === 's3') return s3Entry(entry, surroundings)
  return entry
}

function actionsEntry(entry: CacheEntry, env: CacheSurroundings['env']): CacheEntry | undefined {
  const attributes = { ...entry.attributes }
  const second = tryParseBool(env['ACTIONS_CACHE_SERVICE_V2'] ?? '') === true
  const version = attributes['version'] ?? (second ? '2' : '')
  const fill = (name: string, value: string | undefined): void => {
    if (value !== undefined) attributes[name] ??= value
  }
  fill('token', env['ACTIONS_RUNTIME_TOKEN'])
  if (version === '2') fill('url_v2', env['ACTIONS_RESULTS_URL'])
  fill('url', env['ACTIONS_CACHE_URL'] ?? env['ACTIONS_RESULTS_URL'])
  const { token, url, url_v2: urlV2 } = attributes
  return token && (url || urlV2) ? { ...entry, attributes } : undefined
}

async function s3Entry(entry: CacheEntry, surroundings: CacheSurroundings): Promise<CacheEntry> {
  const attributes = { ...entry.attributes }
  if (attributes['access_key_id'] !== undefined && attributes['secret_access_key'] !== undefined) return entry
  const { env, proxy, now, signal } = surroundings
  const { NodeTransport } = await import('../registry/http/node-transport.ts')
  const { awsCredentials } = await import('../cache/backends/s3/credentials.ts')
  using transport = new NodeTransport({ proxy })
  try {
    const found = await awsCredentials({ transport, env, now }, signal)
    attributes['access_key_id'] ??= found.accessKeyId
    attributes['secret_access_key'] ??= found.secretAccessKey
    if (found.sessionToken !== undefined) attributes['session_token'] ??= found.sessionToken
  } catch {
    signal.throwIfAborted()
    // The node may have credentials of its own.
  }
  return { ...entry, attributes }
}
