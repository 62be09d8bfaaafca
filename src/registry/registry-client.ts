import { Semaphore } from '../async/semaphore.ts'
import type { Reference } from '../oci/reference.ts'
import type { Authenticator } from './auth/authenticator.ts'
import { ChallengeAuthenticator } from './auth/challenge-authenticator.ts'
import type { CredentialProvider, TokenProvider } from './auth/credential.ts'
import { HostClient } from './host-client.ts'
import type { RetryPolicy } from './http/retry-transfer.ts'
import type { Transport } from './http/transport.ts'
import { type PingResult, ping } from './reg/ping.ts'
import { RegistryRepository } from './reg/registry-repository.ts'
import type { RegistryConfigs } from './registry-config.ts'
import { registryHosts } from './registry-host.ts'

/** What a registry client is made of. */
export interface RegistryClientOptions {
  /** Connections; owned by the caller and shared between clients. */
  readonly transport: Transport
  /** Settings by registry host. */
  readonly registries?: RegistryConfigs
  readonly credentials?: CredentialProvider
  /** Fetches tokens in place of the client. */
  readonly tokens?: TokenProvider
  /** Replaces authentication as a whole, `credentials` and `tokens` included. */
  readonly authenticator?: Authenticator
  /** @default slipway */
  readonly userAgent?: string
  /** Blobs on their way from one registry at once, and as many to it. @default 4 */
  readonly maxTransfers?: number
  /** Bytes in one request of an upload. The default sends each blob in one request. */
  readonly uploadChunkSize?: number
  readonly retry?: RetryPolicy
  /** Milliseconds since the epoch; replaces the clock in tests. */
  readonly now?: () => number
}

interface Registry {
  readonly hosts: readonly HostClient[]
  readonly pulls: Semaphore
  readonly pushes: Semaphore
}

/**
 * Registries as seen by one identity (one user, one build's session). Cheap to make: connections live in the transport.
 * It remembers tokens and which hosts speak plain HTTP, so one should serve a whole build.
 */
export class RegistryClient {
  readonly #options: RegistryClientOptions
  readonly #authenticator: Authenticator
  readonly #registries = new Map<string, Registry>()

  constructor(options: RegistryClientOptions) {
    this.#options = options
    this.#authenticator = options.authenticator ?? new ChallengeAuthenticator(options)
  }

  /**
   * The repository that a reference is in; its tag and digest do not matter. `onNotice` is told of transfers that are
   * repeated.
   */
  repository(
    reference: Pick<Reference, 'domain' | 'path'>,
    onNotice?: RetryPolicy['onNotice'],
  ): RegistryRepository {
    const { domain, path } = reference
    const { uploadChunkSize } = this.#options
    const retry = { ...this.#options.retry, ...(onNotice === undefined ? {} : { onNotice }) }
    return new RegistryRepository({ domain, path, ...this.#registry(domain), retry, uploadChunkSize })
  }

  /** Knocks at a registry itself, not at its mirrors. */
  async ping(domain: string, signal?: AbortSignal): Promise<PingResult> {
    return await ping(this.#registry(domain).hosts.at(-1) as HostClient, signal)
  }

  #registry(domain: string): Registry {
    const known = this.#registries.get(domain)
    if (known !== undefined) return known
    const { transport, registries, userAgent = 'slipway', maxTransfers = 4, retry } = this.#options
    const authenticator = this.#authenticator
    const hosts = registryHosts(domain, registries).map(
      host => new HostClient(host, { transport, authenticator, userAgent, domain, sleep: retry?.sleep }),
    )
    const registry = { hosts, pulls: new Semaphore(maxTransfers), pushes: new Semaphore(maxTransfers) }
    this.#registries.set(domain, registry)
    return registry
  }
}
