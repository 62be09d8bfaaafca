import { hostGateway } from '../build/extra-hosts.ts'
import type { Driver } from '../builder/builder.ts'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'

/**
 * `host=ip` pairs with the address of the machine that runs the node in place of `host-gateway`. Throws in buildx's words
 * where the driver does not know it.
 */
export async function withHostGateway(
  hosts: readonly string[],
  driver: Driver | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (!hosts.some(host => host.endsWith(`=${hostGateway}`))) return hosts
  let address: string
  try {
    if (driver?.hostGateway === undefined) {
      throw new SlipwayError(
        'unimplemented',
        `host-gateway is not supported by the ${driver?.name ?? 'chosen'} driver`,
        { hint: 'give the address itself: --add-host name=ADDRESS' },
      )
    }
    address = await driver.hostGateway(signal)
  } catch (error) {
    throw wrapError('unable to derive the IP value for host-gateway', error)
  }
  return hosts.map(host => host.replace(new RegExp(`=${hostGateway}$`), `=${address}`))
}
