import { SlipwayError } from '../errors/slipway-error.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Host } from './host.ts'
import { printError } from './print-error.ts'

/**
 * The command line of a process that was started as `buildctl`: what drivers call inside builder containers, which is
 * `debug workers` (is the daemon there?) and `dial-stdio`. Answers the exit status. Row I38.
 */
export async function runBuildctl(host: Host, signal: AbortSignal): Promise<number> {
  try {
    const { address, words } = parse(host)
    const text = words.join(' ')
    if (text === 'debug workers' || text === 'debug workers -v')
      return await showWorkers(host, address, signal)
    if (text === 'dial-stdio') return await dialStdio(host, address, signal)
    throw new SlipwayError('unimplemented', `buildctl: no such command: ${text || '(none)'}`, {
      hint: '`debug workers` and `dial-stdio` are what there is; builds are made with `slipway build`',
    })
  } catch (error) {
    return printError(host, error, { debug: false })
  }
}

function parse({ args, env }: Host): { readonly address: string; readonly words: readonly string[] } {
  let address = env['BUILDKIT_HOST'] || 'unix:///run/buildkit/buildkitd.sock'
  const words: string[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    if (arg === '--addr') address = args[++at] ?? ''
    else if (arg.startsWith('--addr=')) address = arg.slice('--addr='.length)
    else words.push(arg)
  }
  return { address, words }
}

async function showWorkers(host: Host, address: string, signal: AbortSignal): Promise<number> {
  const { connectAddress } = await import('../buildkit/client/connect.ts')
  const { listWorkers } = await import('../buildkit/client/daemon.ts')
  await using connection = connectAddress(address)
  const workers = await listWorkers(connection, AbortSignal.any([signal, AbortSignal.timeout(10_000)]))
  const lines = workers.map(({ id, platforms }) => `${id}\t${platforms.map(formatPlatform).join(',')}\n`)
  host.stdout.write(`ID\tPLATFORMS\n${lines.join('')}`)
  return 0
}

async function dialStdio(host: Host, address: string, signal: AbortSignal): Promise<number> {
  const { openRemote } = await import('../drivers/remote/remote-address.ts')
  const { proxyStreams } = await import('./proxy-streams.ts')
  const connection = await openRemote(address, undefined, host.env, signal)
  await proxyStreams(connection, host.stdin.stream, host.stdout.stream, signal)
  return 0
}
