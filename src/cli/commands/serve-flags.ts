import type { Flag } from '../../gostd/pflag/flag.ts'
import type { FlagSet } from '../../gostd/pflag/flag-set.ts'
import type { DocumentValue } from '../serve/apply-settings.ts'

/** Flags of `serve` as given. */
export interface ServeFlags {
  /** Configuration file; undefined for the usual one. */
  readonly config: string | undefined
  /** What the flags say, by the configuration's own keys (`worker.oci.gc`). */
  readonly settings: ReadonlyMap<string, DocumentValue>
  /** Notes about flags that were given and have no effect. */
  readonly notes: readonly string[]
}

type Kind = 'text' | 'texts' | 'switch' | 'number'

/** A flag of buildkitd and the key of its configuration that says the same. */
type Row = readonly [flag: string, kind: Kind, key: string, usage: string]

/** Those that change something here. */
const effective: readonly Row[] = [
  ['root', 'text', 'root', 'State directory'],
  [
    'addr',
    'texts',
    'grpc.address',
    'Address to listen on ("unix://PATH", "tcp://HOST:PORT", "fd://"); may be repeated',
  ],
  ['group', 'text', 'grpc.group', 'Group (name or id) that owns unix sockets'],
  ['tlscert', 'text', 'grpc.tls.cert', 'Certificate of the server'],
  ['tlskey', 'text', 'grpc.tls.key', 'Key of the certificate'],
  ['tlscacert', 'text', 'grpc.tls.ca', 'CA certificate that clients must be signed by'],
  ['log-format', 'text', 'log.format', 'Form of the log ("text", "json")'],
  ['log-level', 'text', 'log.level', 'Level of the log ("debug", "info", "warn", "error")'],
  [
    'proxy-network',
    'switch',
    'proxyNetwork',
    'Let steps reach the network only through a proxy that sees all',
  ],
  [
    'allow-insecure-entitlement',
    'texts',
    'insecure-entitlements',
    'Allow an entitlement ("network.host", "security.insecure", "device")',
  ],
  ['cdi-disabled', 'switch', 'cdi.disabled', 'Offer no devices'],
  ['cdi-spec-dir', 'texts', 'cdi.specDirs', 'Folder of descriptions of devices; may be repeated'],
  ['oci-worker-labels', 'texts', 'worker.oci.labels', 'Label of the worker (KEY=VALUE); may be repeated'],
  [
    'oci-worker-platform',
    'texts',
    'worker.oci.platforms',
    'Platform to offer in place of those that this machine runs; may be repeated',
  ],
  ['oci-worker-snapshotter', 'text', 'worker.oci.snapshotter', 'How layers are kept ("overlayfs", "native")'],
  [
    'oci-worker-net',
    'text',
    'worker.oci.networkMode',
    'Network of build steps ("auto", "cni", "host", "none")',
  ],
  ['oci-cni-config-path', 'text', 'worker.oci.cniConfigPath', 'Configuration of CNI'],
  ['oci-cni-binary-dir', 'text', 'worker.oci.cniBinaryPath', 'Folder of the plugins of CNI'],
  ['oci-worker-binary', 'text', 'worker.oci.binary', 'OCI runtime'],
  ['oci-worker-apparmor-profile', 'text', 'worker.oci.apparmor-profile', 'AppArmor profile of build steps'],
  ['oci-max-parallelism', 'number', 'worker.oci.max-parallelism', 'Steps that run at the same time'],
  ['oci-worker-gc', 'switch', 'worker.oci.gc', 'Keep the cache small (on unless =false)'],
  [
    'oci-worker-gc-keepstorage',
    'text',
    'worker.oci.keepstorage',
    'Space for the cache in MB: RESERVED[,FREE[,MAXIMUM]]',
  ],
]

/** Those that change nothing, and are so common that no word is lost about them. */
const silent =
  'oci-worker containerd-worker debugaddr otel-socket-path trace oci-worker-rootless rootless'.split(' ')

/** Those that change nothing, which is said. */
const withoutEffect = `
  containerd-worker-addr containerd-worker-labels containerd-worker-platform containerd-worker-gc
  containerd-worker-gc-keepstorage containerd-worker-net containerd-cni-config-path containerd-cni-binary-dir
  containerd-cni-pool-size containerd-worker-snapshotter containerd-worker-apparmor-profile containerd-worker-selinux
  containerd-max-parallelism containerd-worker-namespace containerd-worker-rootless oci-worker-proxy-snapshotter-path
  oci-worker-no-process-sandbox oci-cni-pool-size oci-worker-selinux save-cache-debug provenance-env-dir`
  .trim()
  .split(/\s+/)

/** Those of both that take no value. */
const switches = /^(trace|rootless|save-cache-debug)$|-(gc|rootless|selinux|no-process-sandbox)$/

/** Declares the flags of `serve`, which are buildkitd's. */
export function declareServeFlags(set: FlagSet): () => ServeFlags {
  const config = set.string('config', { usage: 'Configuration file, in the form of buildkitd.toml' })
  const flags = effective.map(([name, kind, key, usage]): readonly [Flag, string] => [
    declare(set, name, kind, usage),
    key,
  ])
  const hidden = { usage: 'No effect', hidden: true }
  const others = [...silent, ...withoutEffect].map(name =>
    set.string(name, switches.test(name) ? { ...hidden, noOptDefault: 'true' } : hidden),
  )
  return () => ({
    config: config.changed ? config.value : undefined,
    settings: new Map(
      flags.filter(([flag]) => flag.changed).map(([flag, key]) => [key, flag.value as DocumentValue]),
    ),
    notes: others.flatMap(flag =>
      flag.changed && flag.value !== 'false' && !silent.includes(flag.name)
        ? [`flag --${flag.name} has no effect`]
        : [],
    ),
  })
}

function declare(set: FlagSet, name: string, kind: Kind, text: string): Flag {
  const usage = { usage: text }
  switch (kind) {
    case 'text':
      return set.string(name, usage) as unknown as Flag
    case 'texts':
      return set.stringArray(name, usage) as unknown as Flag
    case 'switch':
      return set.bool(name, usage) as unknown as Flag
    case 'number':
      return set.int(name, usage) as unknown as Flag
  }
}
