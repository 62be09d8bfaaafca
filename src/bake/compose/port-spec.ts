import { isIP } from 'node:net'

/**
 * What is wrong with a published port in its short form (`8080:80/tcp`); undefined where nothing is.
 * Source: https://github.com/docker/go-connections/blob/v0.6.0/nat/nat.go
 */
export function portSpecProblem(spec: string): string | undefined {
  const parts = spec.split(':')
  const [container = '', host = ''] = [parts.at(-1), parts.at(-2)]
  const ip = parts.slice(0, -2).join(':')
  const [port = '', protocol = 'tcp'] = container.split('/', 2)
  if (port === '') return `no port specified: ${spec}<empty>`
  if (!['tcp', 'udp', 'sctp', ''].includes(protocol.toLowerCase()))
    return `invalid proto: ${protocol.toLowerCase()}`
  const bare = ip.replace(/^\[([^\]]*)\]$/, '$1')
  if (bare !== '' && isIP(bare) === 0) return `invalid IP address: ${bare}`
  const range = portRange(port)
  if (range === undefined) return `invalid containerPort: ${port}`
  if (host === '') return undefined
  const hostRange = portRange(host)
  if (hostRange === undefined) return `invalid hostPort: ${host}`
  return range > 0 && range !== hostRange
    ? `invalid ranges specified for container and host Ports: ${port} and ${host}`
    : undefined
}

/** How many more ports than one a range has. */
function portRange(text: string): number | undefined {
  const found = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  if (found === null) return undefined
  const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])]
  return last < first || last > 65_535 ? undefined : last - first
}
