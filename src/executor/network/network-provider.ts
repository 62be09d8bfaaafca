/** A container that wants to be connected. */
export interface NetworkRequest {
  readonly id: string
  /** Empty where the container has the default name. */
  readonly hostname: string
  /** Path of the network namespace, for example /proc/123/ns/net. */
  readonly namespace: string
}

/**
 * One way to connect containers. `namespace` says whose network namespace they live in: the `host`'s, one that the
 * `runtime` makes (loopback only), or the `wrapper`'s, which the provider connects and which ends with the container.
 */
export type NetworkProvider =
  | { readonly namespace: 'host' | 'runtime' }
  | {
      readonly namespace: 'wrapper'
      /** Connects; disposing gives addresses back. Throws `failed-precondition`. */
      attach(request: NetworkRequest, signal?: AbortSignal): Promise<AsyncDisposable>
    }

/** Containers share the network of the host. */
export const hostNetwork: NetworkProvider = { namespace: 'host' }

/** Containers have nothing but a loopback interface. */
export const noNetwork: NetworkProvider = { namespace: 'runtime' }

/** Providers by network mode of a container. */
export type NetworkProviders = Readonly<Record<'default' | 'host' | 'none', NetworkProvider>>
