/** Keys of buildkitd.toml that take effect, with dots; `*` is any key of a table. */
const effective = `
  root insecure-entitlements proxyNetwork debug provenanceEnvDir log.format log.level
  grpc.address grpc.uid grpc.gid grpc.group grpc.tls.cert grpc.tls.key grpc.tls.ca
  cdi.disabled cdi.specDirs cdi.autoAllowed dns.nameservers dns.options dns.searchDomains
  system.maxRegistryConcurrency history.maxAge history.maxEntries registry.*.* frontend.dockerfile.v0.enabled
  frontend.gateway.v0.enabled frontend.gateway.v0.allowedRepositories ghacache.* cache.gha.*
  worker.oci.labels.* worker.oci.platforms worker.oci.snapshotter worker.oci.gc worker.oci.gckeepstorage
  worker.oci.reservedSpace worker.oci.maxUsedSpace worker.oci.minFreeSpace worker.oci.gcpolicy worker.oci.networkMode
  worker.oci.cniConfigPath worker.oci.cniBinaryPath worker.oci.binary worker.oci.defaultCgroupParent
  worker.oci.apparmor-profile worker.oci.max-parallelism worker.oci.enabled`

/** Those without effect that ask for nothing which is missed: no word is lost about them. */
const needless = `
  trace grpc.debugAddress grpc.securityDescriptor otel.socketPath system.platformsCacheMaxAge
  worker.containerd.* worker.oci.rootless worker.oci.cniPoolSize`

/** Notes about keys of a configuration that nothing here looks at. */
export function configNotes(document: Readonly<Record<string, unknown>>): string[] {
  const known = `${effective} ${needless}`.trim().split(/\s+/).map(pattern)
  return keysOf(document, '')
    .filter(key => !known.some(one => one.test(key)))
    .map(key => `configuration key ${key} has no effect`)
}

/** A table that is known as a whole (`worker.containerd.*`) covers what lies below it. */
function pattern(key: string): RegExp {
  const text = key
    .replaceAll('.', '\\.')
    .replaceAll(/\*(?=\\)/g, '.+')
    .replace(/\*$/, '.*')
  return new RegExp(`^${text}$`)
}

function keysOf(table: object, prefix: string): string[] {
  return Object.entries(table).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
      ? keysOf(value, `${prefix}${key}.`)
      : [`${prefix}${key}`],
  )
}
