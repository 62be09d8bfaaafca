import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { getSystemErrorMap } from 'node:util'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { errnoOf } from '../../sys/errno-error.ts'
import { NetworkThread } from '../../sys/network-thread.ts'
import type { NetworkProvider } from '../network/network-provider.ts'

/** How a proxy reaches servers. Disposing ends what was set up for it; connections are their users'. */
export interface Egress extends AsyncDisposable {
  /** Throws `unavailable` in Go's words. */
  dial(host: string, port: number): Promise<Socket>
}

/** The way out that containers of this provider have, for a proxy in their place. Nothing is set up before it is used. */
export function createEgress(provider: NetworkProvider, id: string): Egress {
  if (provider.namespace === 'host') return { dial: dialHost, [Symbol.asyncDispose]: async () => {} }
  const opened = new AsyncDisposableStack()
  const make = async (): Promise<NetworkThread> => {
    const thread = opened.use(new NetworkThread())
    if (provider.namespace === 'wrapper') {
      const request = { id: `${id}-proxy`, hostname: '', namespace: await thread.namespace() }
      opened.use(await provider.attach(request))
    }
    return thread
  }
  let thread: Promise<NetworkThread> | undefined
  return {
    dial: async (host, port) => {
      thread ??= make()
      return await dialInside(await thread, host, port)
    },
    async [Symbol.asyncDispose]() {
      await thread?.catch(() => {})
      await opened.disposeAsync()
    },
  }
}

async function dialHost(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    socket.destroy()
    throw notConnected(host, port, error)
  }
}

/** One address after the other; names are looked up with the resolver of this machine. */
async function dialInside(thread: NetworkThread, host: string, port: number): Promise<Socket> {
  let problem: SlipwayError | undefined
  for (const address of await addressesOf(host, port)) {
    try {
      return await thread.connect(address, port)
    } catch (error) {
      problem ??= notConnected(address, port, error)
    }
  }
  throw problem ?? notConnected(host, port, undefined)
}

async function addressesOf(host: string, port: number): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (error) {
    throw notConnected(host, port, error)
  }
}

/** `connection refused` for `ECONNREFUSED`. */
function systemText(name: string): string | undefined {
  for (const [known, text] of getSystemErrorMap().values()) if (known === name) return text
  return undefined
}

function notConnected(host: string, port: number, error: unknown): SlipwayError {
  const name = errnoOf(error) ?? errnoOf((error as { readonly cause?: unknown } | undefined)?.cause) ?? ''
  const what =
    name === 'ENOTFOUND' || name === 'EAI_AGAIN'
      ? `lookup ${host}: no such host`
      : `connect: ${systemText(name) ?? (error instanceof Error ? error.message : 'no address')}`
  const where = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
  return new SlipwayError('unavailable', `dial tcp ${where}: ${what}`, { cause: error })
}
