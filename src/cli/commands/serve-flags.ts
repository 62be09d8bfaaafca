import type { FlagSet } from '../../gostd/pflag/flag-set.ts'

/** Flags of `serve` as given. */
export interface ServeFlags {
  readonly addresses: readonly string[]
  /** Entitlements that builds may ask for. */
  readonly allow: readonly string[]
  readonly config: string
  readonly root: string
  readonly tlsCaCert: string
  readonly tlsCert: string
  readonly tlsKey: string
  /** Notes about flags that were given and have no effect. */
  readonly ignored: readonly string[]
}

/** Flags of buildkitd that change nothing here: accepted, so that its command lines work unchanged. */
const withoutEffect = `
  containerd-worker containerd-worker-addr containerd-worker-labels containerd-worker-platform containerd-worker-gc
  containerd-worker-gc-keepstorage containerd-worker-net containerd-cni-config-path containerd-cni-binary-dir
  containerd-cni-pool-size containerd-worker-snapshotter containerd-worker-apparmor-profile containerd-worker-selinux
  containerd-worker-namespace containerd-worker-rootless oci-worker oci-worker-labels oci-worker-snapshotter
  oci-worker-platform oci-worker-gc oci-worker-gc-keepstorage oci-worker-proxy-snapshotter-path oci-worker-binary
  oci-worker-rootless oci-worker-no-process-sandbox oci-worker-net oci-cni-config-path oci-cni-binary-dir
  oci-cni-pool-size oci-worker-apparmor-profile oci-worker-selinux oci-max-parallelism debugaddr group otel-socket-path
  cdi-disabled cdi-spec-dir log-format save-cache-debug trace provenance-env-dir`
  .trim()
  .split(/\s+/)

/** Those of them that take no value. */
const switches =
  /^(oci-worker|containerd-worker|trace|cdi-disabled|save-cache-debug)$|-(gc|rootless|selinux|no-process-sandbox)$/

/** Flags that real command lines carry and that need no word about it. */
const silent: ReadonlySet<string> = new Set([
  'oci-worker',
  'containerd-worker',
  'oci-worker-gc',
  'oci-worker-labels',
  'debugaddr',
  'log-format',
  'trace',
  'oci-worker-snapshotter',
])

/** Declares the flags of `serve`, which are buildkitd's. */
export function declareServeFlags(set: FlagSet): () => ServeFlags {
  const addr = set.stringSlice('addr', {
    usage: 'Address to listen on ("unix://PATH", "tcp://HOST:PORT"); may be repeated',
  })
  const allow = set.stringSlice('allow-insecure-entitlement', {
    usage: 'Allow an entitlement ("network.host", "security.insecure")',
  })
  const config = set.string('config', { usage: 'Configuration file, in the form of buildkitd.toml' })
  const root = set.string('root', { usage: 'State directory' })
  const tlsCaCert = set.string('tlscacert', { usage: 'CA certificate that clients must be signed by' })
  const tlsCert = set.string('tlscert', { usage: 'Certificate of the server' })
  const tlsKey = set.string('tlskey', { usage: 'Key of the certificate' })
  set.bool('rootless', { usage: 'Nothing: seen from the user it runs as', hidden: true })
  const others = withoutEffect.map(name =>
    set.string(name, {
      usage: 'No effect',
      hidden: true,
      ...(switches.test(name) ? { noOptDefault: 'true' } : {}),
    }),
  )
  return () => ({
    addresses: addr.value,
    allow: allow.value,
    config: config.value,
    root: root.value,
    tlsCaCert: tlsCaCert.value,
    tlsCert: tlsCert.value,
    tlsKey: tlsKey.value,
    ignored: others.flatMap(flag =>
      flag.changed && !silent.has(flag.name) ? [`flag --${flag.name} has no effect`] : [],
    ),
  })
}
