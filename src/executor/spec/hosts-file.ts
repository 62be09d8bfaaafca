/** Host name of a build container that asked for none. Source: BuildKit v0.32.2 executor/oci/hosts.go. */
export const defaultHostname = 'buildkitsandbox'

/** Content of a container's /etc/hosts. */
export function hostsFile(
  hostname: string,
  extraHosts: readonly { readonly host: string; readonly ip: string }[],
): string {
  const lines = [`127.0.0.1\tlocalhost ${hostname}`, '::1\tlocalhost ip6-localhost ip6-loopback']
  for (const { host, ip } of extraHosts) lines.push(`${ip}\t${host}`)
  return `${lines.join('\n')}\n`
}
