/**
 * Settings of one registry host, as `[registry."host"]` in buildkitd.toml has them. Paths are absolute.
 * Source: github.com/moby/buildkit util/resolver/config/config.go at v0.32.2.
 */
export interface RegistryConfig {
  /** Hosts to pull from first, each `host[:port][/path]`. Their own settings stand under their own name. */
  readonly mirrors?: readonly string[]
  /** Speak plain HTTP. */
  readonly http?: boolean
  /** Do not verify the server's certificate; together with `http`, plain HTTP is tried after TLS. */
  readonly insecure?: boolean
  /** Paths of PEM files with certificate authorities to trust besides the usual ones. */
  readonly ca?: readonly string[]
  /** Client certificates. */
  readonly keypair?: readonly TlsKeyPair[]
  /** Directories of `*.crt` (authorities) and `*.cert` with `*.key` (client certificates). */
  readonly tlsconfigdir?: readonly string[]
}

/** Paths of a client certificate and its key, PEM. */
export interface TlsKeyPair {
  readonly key: string
  readonly cert: string
}

/** Settings by registry host (`docker.io`, `localhost:5000`). */
export type RegistryConfigs = Readonly<Record<string, RegistryConfig>>
