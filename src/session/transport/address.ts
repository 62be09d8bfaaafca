import { SlipwayError } from '../../errors/slipway-error.ts'

/** Where a daemon listens. An empty host means every interface to a daemon, and this machine to a client. */
export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

/**
 * Reads `unix:///path` and `tcp://host:port` (IPv6 hosts in brackets). Throws `invalid-argument` for anything else; other
 * schemes of BuildKit (`docker-container://`, `ssh://`) are connections that drivers make.
 */
export function parseAddress(text: string): Address {
  const unix = /^unix:\/\/(.+)$/.exec(text)
  if (unix !== null) return { kind: 'unix', path: unix[1] as string }
  const tcp = /^tcp:\/\/(\[[^\]]+\]|[^:/[\]]*):(\d{1,5})\/?$/.exec(text)
  const port = Number(tcp?.[2])
  if (tcp === null || port > 65_535) {
    throw new SlipwayError('invalid-argument', `invalid address ${text}`, {
      hint: 'write unix:///path/to/socket or tcp://host:port',
    })
  }
  const host = (tcp[1] as string).replace(/^\[|\]$/g, '')
  return { kind: 'tcp', host, port }
}
