import { createHash } from 'node:crypto'
import { SlipwayError, wrapError } from '../../../errors/slipway-error.ts'
import type { Attributes } from '../../../exporter/attributes.ts'
import { parseDuration, toMilliseconds } from '../../../gostd/duration.ts'
import { parseInteger } from '../../../gostd/parse-number.ts'
import type { CacheScope } from './runtime-token.ts'

/** How the cache service of GitHub Actions is reached. */
export interface GhaConfig {
  /** Name of the cache among those of a workflow. */
  readonly scope: string
  /** 1: REST; 2: Twirp with uploads to blob storage. */
  readonly version: 1 | 2
  readonly url: URL
  readonly token: string
  /** How long requests are repeated when the service says that there are too many (milliseconds). */
  readonly timeoutMs: number
  /** `owner/name`, with a token of GitHub's own API: known blobs are then listed instead of asked for one by one. */
  readonly listing: { readonly repository: string; readonly token: string } | undefined
}

/**
 * Reads the attributes. Throws `invalid-argument`.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/cache/remotecache/gha/gha.go
 */
export function readGhaConfig(attrs: Attributes): GhaConfig {
  const { token } = attrs
  if (token === undefined) throw invalid('token not set for github actions cache')
  const asked = attrs['version'] === undefined ? 0 : versionOf(attrs['version'])
  const second = asked === 1 ? undefined : attrs['url_v2']
  const url = second || attrs['url'] || ''
  if (url === '') {
    throw new SlipwayError('invalid-argument', 'url not set for github actions cache', {
      hint: 'in a workflow, make ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN known to the build',
    })
  }
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw invalid(`url ${JSON.stringify(url)} of github actions cache is not a URL`)
  const isSecond =
    second !== undefined || asked > 1 || url.includes('results-receiver.actions.githubusercontent.com')
  const repository = attrs['repository'] ?? ''
  const ghtoken = attrs['ghtoken'] ?? ''
  return {
    scope: attrs['scope'] ?? 'buildkit',
    version: isSecond && asked !== 1 ? 2 : 1,
    url: parsed,
    token,
    timeoutMs: timeoutOf(attrs['timeout']),
    listing: repository === '' || ghtoken === '' ? undefined : { repository, token: ghtoken },
  }
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)

function versionOf(text: string): number {
  try {
    return parseInteger(text, { base: 10 })
  } catch (error) {
    const shown = JSON.stringify(text)
    throw wrapError(`failed to parse api version ${shown}, expected positive integer`, error)
  }
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return 10 * 60 * 1000
  try {
    return toMilliseconds(parseDuration(text))
  } catch (error) {
    throw wrapError('failed to parse timeout for github actions cache', error)
  }
}

/** Version of the keys' form. */
const form = '1'

/** Beginning of the keys of all layers. */
export const blobKeyPrefix = `buildkit-blob-${form}-`

/** Key of a layer's blob. */
export const blobKey = (digest: string): string => blobKeyPrefix + digest

/** Key of the description of a branch's cache, without its number. */
export function indexKey(config: Pick<GhaConfig, 'scope'>, branch: string): string {
  const hash = createHash('sha256').update(branch).digest('hex').slice(0, 8)
  return `index-${config.scope}-${form}-${hash}`
}

/** The branch that caches are written to: the last that may be written; empty where there is none. */
export function writtenScope(scopes: readonly CacheScope[]): string {
  return scopes.findLast(one => one.writable)?.scope ?? ''
}
