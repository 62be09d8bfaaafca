import { isIP } from 'node:net'
import { SlipwayError } from '../errors/slipway-error.ts'

/** The word that stands for the address of the machine that runs the builder. */
export const hostGateway = 'host-gateway'

/**
 * `host:ip` and `host=ip[,ip…]` as the frontend takes them: `host=ip`, one for each address; addresses of version 6 may
 * stand in brackets. `host-gateway` stays as it is. Throws `invalid-argument` (`invalid host x`).
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/build/utils.go
 */
export function extraHosts(values: readonly string[]): readonly string[] {
  return values.flatMap(text => {
    const at = text.includes('=') ? text.indexOf('=') : text.indexOf(':')
    const host = text.slice(0, Math.max(at, 0))
    const addresses = text.slice(at + 1)
    if (at <= 0 || addresses === '') throw invalidHost(text)
    if (addresses === hostGateway) return [`${host}=${addresses}`]
    return addresses.split(',').map(address => {
      const bare = /^\[(.+)\]$/.exec(address)?.[1] ?? address
      if (isIP(bare) === 0 || bare.includes('%')) throw invalidHost(text)
      return `${host}=${bare}`
    })
  })
}

const invalidHost = (text: string): SlipwayError =>
  new SlipwayError('invalid-argument', `invalid host ${text}`)
