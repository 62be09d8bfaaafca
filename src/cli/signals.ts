import { SlipwayError } from '../errors/slipway-error.ts'
import type { Host } from './host.ts'

/**
 * A signal that aborts when this process is asked to stop: by SIGINT or SIGTERM, or by docker closing the socket of
 * DOCKER_CLI_PLUGIN_SOCKET. The second request changes nothing, the third ends the process at once with status 1.
 */
export function abortOnSignals(host: Host): AbortSignal {
  const controller = new AbortController()
  const canceled = (): void => controller.abort(new SlipwayError('canceled', 'context canceled'))
  let requests = 0
  const request = (): void => {
    requests++
    if (requests === 1) canceled()
    if (requests < 3) return
    host.stderr.write('got 3 SIGTERM/SIGINTs, forcibly terminating\n')
    process.exit(1)
  }
  process.on('SIGINT', request)
  process.on('SIGTERM', request)
  const socket = host.env['DOCKER_CLI_PLUGIN_SOCKET']
  if (socket) void watchPluginSocket(socket, canceled)
  return controller.signal
}

/** `@name` is an abstract socket, as Go writes it. */
async function watchPluginSocket(address: string, closed: () => void): Promise<void> {
  const { connect } = await import('node:net')
  const connection = connect({ path: address.replace(/^@/, '\0') })
  connection.once('error', () => connection.removeListener('end', closed))
  connection.once('end', closed)
  connection.resume()
  connection.unref()
}
