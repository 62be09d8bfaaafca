import { parseChallenges } from '../auth/challenge.ts'
import type { HostClient } from '../host-client.ts'
import { statusError } from '../registry-error.ts'

/** What a registry says to the first knock. */
export interface PingResult {
  readonly status: number
  /** Ways to log in that it offers; empty where it wants none. */
  readonly schemes: readonly string[]
  /** It speaks plain HTTP. */
  readonly plain: boolean
}

/** Asks whether a server is a registry, with the authorisation at hand. Throws where it is none, or is not there. */
export async function ping(host: HostClient, signal?: AbortSignal): Promise<PingResult> {
  const response = await host.request({ method: 'GET', path: '', scopes: [], signal })
  if (response.status !== 200 && response.status !== 401) throw await statusError('GET', response)
  response.discard()
  const schemes = parseChallenges(response.headers('www-authenticate')).map(c => c.scheme)
  return { status: response.status, schemes, plain: response.url.protocol === 'http:' }
}
