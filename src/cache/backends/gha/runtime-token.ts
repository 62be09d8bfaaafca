import { SlipwayError } from '../../../errors/slipway-error.ts'

/** A branch or pull request whose caches a token gives access to: `refs/heads/main`. */
export interface CacheScope {
  readonly scope: string
  readonly writable: boolean
}

const write = 2

/**
 * The scopes that a token of a workflow run gives, in its order. The token is not verified: that is the service's work.
 * Throws `invalid-argument`, `unauthenticated` for one that has expired.
 * Behaviour: https://github.com/tonistiigi/go-actions-cache, cache.go
 */
export function readRuntimeToken(token: string, now: number): readonly CacheScope[] {
  const claims = claimsOf(token)
  const controls = claims['ac']
  if (controls === undefined) throw invalid('invalid token without access controls')
  if (typeof controls !== 'string') throw invalid('invalid token with access controls that are no text')
  const end = claims['exp']
  if (typeof end !== 'number') throw invalid('invalid token without expiration time')
  if (now > end * 1000) {
    throw new SlipwayError('unauthenticated', `cache token expired at ${goTime(end)}`, {
      hint: 'tokens end with the job: run the build in the job whose token it is given',
    })
  }
  const begin = claims['nbf']
  if (typeof begin !== 'number') throw invalid('invalid token without expiration time')
  if (now < begin * 1000) throw invalid(`invalid token with future issue time time ${goTime(begin)}`)
  return scopesOf(controls)
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)

const goTime = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const parts = token.split('.')
  if (parts.length !== 3) throw invalid('token is malformed: token contains an invalid number of segments')
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'))
    if (typeof claims === 'object' && claims !== null) return claims as Readonly<Record<string, unknown>>
  } catch {
    // What follows says it.
  }
  throw invalid('token is malformed: could not JSON decode claim')
}

function scopesOf(text: string): readonly CacheScope[] {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch (cause) {
    throw new SlipwayError('invalid-argument', 'failed to parse token access controls', { cause })
  }
  if (!Array.isArray(list)) throw invalid('failed to parse token access controls')
  return list.map((one: { readonly Scope?: unknown; readonly Permission?: unknown } | null) => ({
    scope: typeof one?.Scope === 'string' ? one.Scope : '',
    writable: typeof one?.Permission === 'number' && (one.Permission & write) !== 0,
  }))
}
