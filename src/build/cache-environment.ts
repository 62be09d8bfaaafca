import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CacheEntry } from '../bake/attrs/cache-entry.ts'
import { tryParseBool } from '../gostd/parse-number.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * Fills in what the client's surroundings know: the runner's token and addresses for `gha`, credentials for `s3`.
 * Undefined for a `gha` entry without token or address: it is left out.
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/build/opt.go
 */
export async function cacheAttributesFromEnvironment(
  entry: CacheEntry,
  env: Env,
): Promise<CacheEntry | undefined> {
  if (entry.type === 'gha') return fromRunner(entry, env)
  if (entry.type === 's3') return withAwsCredentials(entry, env)
  return entry
}

function fromRunner(entry: CacheEntry, env: Env): CacheEntry | undefined {
  const given = entry.attributes
  const version =
    given['version'] ?? (tryParseBool(env['ACTIONS_CACHE_SERVICE_V2'] ?? '') === true ? '2' : '')
  const found = {
    token: env['ACTIONS_RUNTIME_TOKEN'],
    url_v2: version === '2' ? env['ACTIONS_RESULTS_URL'] : undefined,
    url: env['ACTIONS_CACHE_URL'] ?? env['ACTIONS_RESULTS_URL'],
  }
  const attributes = filled(given, found)
  const { token = '', url = '', url_v2: second = '' } = attributes
  return token === '' || (url === '' && second === '') ? undefined : { ...entry, attributes }
}

async function withAwsCredentials(entry: CacheEntry, env: Env): Promise<CacheEntry> {
  const given = entry.attributes
  if (given['access_key_id'] !== undefined && given['secret_access_key'] !== undefined) return entry
  const found = ofVariables(env) ?? (await ofFiles(env))
  return found === undefined ? entry : { ...entry, attributes: filled(given, found) }
}

type Found = Readonly<Record<string, string | undefined>>

function filled(given: Readonly<Record<string, string>>, found: Found): Record<string, string> {
  const all: Record<string, string> = { ...given }
  for (const [key, value] of Object.entries(found)) {
    if (value !== undefined) all[key] ??= value
  }
  return all
}

function ofVariables(env: Env): Found | undefined {
  const id = env['AWS_ACCESS_KEY_ID'] ?? ''
  const secret = env['AWS_SECRET_ACCESS_KEY'] ?? ''
  if (id === '' || secret === '') return undefined
  return credentials(id, secret, env['AWS_SESSION_TOKEN'])
}

function credentials(id: string, secret: string, token: string | undefined): Found {
  return { access_key_id: id, secret_access_key: secret, ...(token ? { session_token: token } : {}) }
}

/** Both shared files; the one for credentials is asked first. */
async function ofFiles(env: Env): Promise<Found | undefined> {
  const profile = env['AWS_PROFILE'] || 'default'
  const home = join(env['HOME'] ?? '', '.aws')
  const files = [
    { path: env['AWS_SHARED_CREDENTIALS_FILE'] || join(home, 'credentials'), section: profile },
    {
      path: env['AWS_CONFIG_FILE'] || join(home, 'config'),
      section: profile === 'default' ? profile : `profile ${profile}`,
    },
  ]
  for (const { path, section } of files) {
    const values = sectionOf(await readFile(path, 'utf8').catch(() => ''), section)
    const id = values.get('aws_access_key_id')
    const secret = values.get('aws_secret_access_key')
    if (id && secret) return credentials(id, secret, values.get('aws_session_token'))
  }
  return undefined
}

function sectionOf(text: string, name: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  let inside = false
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*(.*?)\s*\]/.exec(line)
    if (header) inside = header[1] === name
    const pair = /^\s*([^#;=\s]+)\s*=\s*(.*?)\s*$/.exec(line)
    if (inside && pair?.[1] !== undefined) values.set(pair[1].toLowerCase(), pair[2] ?? '')
  }
  return values
}
