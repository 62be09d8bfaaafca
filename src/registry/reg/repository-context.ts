import type { Semaphore } from '../../async/semaphore.ts'
import { isSlipwayError, wrapError } from '../../errors/slipway-error.ts'
import type { HostClient } from '../host-client.ts'
import type { RetryPolicy } from '../http/retry-transfer.ts'
import { transportErrorType } from '../http/transport-error.ts'

/** One repository of one registry, with what its operations need. */
export interface RepositoryContext {
  /** Registry as in references: `docker.io`. */
  readonly domain: string
  /** Repository below the registry: `library/alpine`. */
  readonly path: string
  /** Whom to ask, in this order; the last one is the registry itself, the others are mirrors. */
  readonly hosts: readonly HostClient[]
  readonly retry: RetryPolicy
  /** Blobs on their way in and out. Apart, because a copy within one registry holds one of each. */
  readonly pulls: Semaphore
  readonly pushes: Semaphore
  /** Bytes in one request of an upload; undefined sends each blob in one. */
  readonly uploadChunkSize?: number | undefined
}

/** The registry itself, for everything that changes something. */
export function upstream(context: RepositoryContext): HostClient {
  return context.hosts.at(-1) as HostClient
}

/** `domain/path:tag` or `domain/path@digest`, for messages. */
export function nameOf(context: RepositoryContext, target: string): string {
  return `${context.domain}/${context.path}${target.includes(':') ? '@' : ':'}${target}`
}

/** The first host's answer that is one; when none has, the most telling of their failures. */
export async function firstOf<T>(
  context: RepositoryContext,
  ask: (host: HostClient) => Promise<T>,
): Promise<T> {
  let failure: { readonly error: unknown; readonly weight: number } | undefined
  for (const host of context.hosts) {
    try {
      return await ask(host)
    } catch (error) {
      if (isSlipwayError(error) && error.code === 'canceled') throw error
      const weight = tellingWeight(error)
      if (failure === undefined || weight > failure.weight) failure = { error, weight }
    }
  }
  throw failure?.error
}

/** No answer says least, absence more, any other refusal most. */
function tellingWeight(error: unknown): number {
  if (!isSlipwayError(error)) return 4
  if (error.details.some(d => d.type === transportErrorType)) return 1
  return error.code === 'not-found' ? 2 : 3
}

/** Puts docker's words in front of a refusal that came from authorisation. */
export async function accessTo<T>(action: 'pull' | 'push', work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isSlipwayError(error) || error.code !== 'permission-denied' || error.details.length > 0) throw error
    throw wrapError(`${action} access denied, repository does not exist or may require authorization`, error)
  }
}
