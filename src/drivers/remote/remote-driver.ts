import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { notBuildkit } from '../not-buildkit.ts'
import { anySignal, sleep, throwIfAborted } from '../../async/abort.ts'
import { connectDuplex } from '../../buildkit/client/connect.ts'
import { listWorkers } from '../../buildkit/client/daemon.ts'
import { asSlipwayError, SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import type { BuildkitConnection } from '../../session/connection.ts'
import type { StatusWriter } from '../../status/solve-status.ts'
import { bootStep } from '../boot-step.ts'
import type { Driver, DriverFeatures, NodeStatus } from '../driver.ts'
import { type DriverOptions, flagOption, unknownOption } from '../driver-options.ts'
import type { SocketTls } from '../socket.ts'
import { openRemote } from './remote-address.ts'

/** How long a daemon may take until it answers, ms. Source: buildx v0.36.1 driver/remote/driver.go */
const bootLimit = 20_000

/** How long a daemon that should be up may take until it counts as one that is not, ms. */
const statusLimit = 5_000

/** Paths of PEM files, and the name in the server's certificate. */
interface TlsFiles {
  readonly cacert?: string
  readonly cert?: string
  readonly key?: string
  readonly servername: string
}

/** A BuildKit daemon that somebody else runs: nothing is started, stopped or removed. It is waited for `limit` ms. */
export function createRemoteDriver(options: DriverOptions, limit = bootLimit): Driver {
  if (Object.keys(options.files).length > 0) {
    throw invalid('setting config file is not supported for remote driver')
  }
  if (options.flags.length > 0) throw invalid('setting buildkit flags is not supported for remote driver')
  const { endpoint, env } = options
  const { files, defaultLoad } = readOptions(options)
  const open: Driver['open'] = async signal => {
    try {
      return await openRemote(endpoint, files === undefined ? undefined : loadTls(files), env, signal)
    } catch (error) {
      throwIfAborted(signal)
      throw wrapError(`failed to connect to ${endpoint}`, error, reachHint(error))
    }
  }
  const dial = async (signal: AbortSignal): Promise<BuildkitConnection> => connectDuplex(await open(signal))
  const answers = async (signal: AbortSignal): Promise<void> => {
    await using connection = await dial(signal)
    try {
      await listWorkers(connection, signal)
    } catch (error) {
      throwIfAborted(signal)
      throw notBuildkit(endpoint, error)
    }
  }
  return {
    name: 'remote',
    open,
    dial,
    async status(signal): Promise<NodeStatus> {
      try {
        await answers(anySignal(signal, AbortSignal.timeout(statusLimit)))
        return 'running'
      } catch {
        return 'inactive'
      }
    },
    bootstrap: (write, signal) => waitForDaemon({ write, answers, endpoint, limit, signal }),
    features: async (): Promise<DriverFeatures> => ({
      ociExporter: true,
      dockerExporter: true,
      cacheExport: true,
      multiPlatform: true,
      attestations: true,
      keepsImages: false,
      defaultLoad,
    }),
    stop: async () => undefined,
    remove: async () => undefined,
  }
}

async function waitForDaemon({
  write,
  answers,
  endpoint,
  limit,
  signal,
}: {
  readonly write: StatusWriter
  readonly answers: (signal: AbortSignal) => Promise<void>
  readonly endpoint: string
  readonly limit: number
  readonly signal: AbortSignal
}): Promise<void> {
  await bootStep(write, '[internal] waiting for connection', async () => {
    const over = AbortSignal.timeout(limit)
    const both = anySignal(signal, over)
    let last: SlipwayError | undefined
    for (;;) {
      try {
        await answers(both)
        return
      } catch (error) {
        throwIfAborted(signal)
        const failure = asSlipwayError(error)
        if (over.aborted) {
          throw (
            last ??
            new SlipwayError(
              'deadline-exceeded',
              `failed to connect to ${endpoint}: no answer within ${limit / 1000}s`,
              {
                cause: error,
                hint: "something accepts connections there but does not speak BuildKit's API",
              },
            )
          )
        }
        // Only what may yet come up is waited for: wrong certificates stay wrong.
        if (failure.code !== 'unavailable') throw failure
        last = failure
      }
      await sleep(Math.min(500, limit / 4), both).catch(() => undefined)
    }
  })
}

function reachHint(error: unknown): { readonly hint?: string } {
  if (asSlipwayError(error).code !== 'unavailable') return {}
  return { hint: 'check that the daemon runs there and that its address is right' }
}

function readOptions(options: DriverOptions): {
  readonly files: TlsFiles | undefined
  readonly defaultLoad: boolean
} {
  const tls: Record<string, string> = {}
  let defaultLoad = false
  for (const [name, value] of Object.entries(options.driverOpts)) {
    if (name === 'default-load') defaultLoad = flagOption(value)
    else if (name === 'servername') tls[name] = value
    else if (['cacert', 'cert', 'key'].includes(name)) {
      if (!isAbsolute(value)) throw invalid(`non-absolute path '${value}' provided for ${name}`)
      tls[name] = value
    } else throw unknownOption(name, 'remote')
  }
  if (Object.keys(tls).length === 0) return { files: undefined, defaultLoad }
  const { cacert, cert, key } = tls
  const missing = [
    ...(cacert ? [] : ['cacert']),
    ...(cert && !key ? ['key'] : []),
    ...(key && !cert ? ['cert'] : []),
  ]
  if (missing.length > 0) throw invalid(`tls enabled, but missing keys ${missing.join(', ')}`)
  const host = /^[^:]+:\/\/(\[[^\]]+\]|[^:/]*)/.exec(options.endpoint)?.[1]?.replace(/^\[|\]$/g, '') ?? ''
  return { files: { ...tls, servername: tls['servername'] || host }, defaultLoad }
}

function loadTls(files: TlsFiles): SocketTls {
  const read = (path: string, what: string): Uint8Array => {
    try {
      return readFileSync(path)
    } catch (error) {
      throw wrapError(`error loading tls config: could not read ${what}`, error)
    }
  }
  const { cacert, cert, key, servername } = files
  return {
    serverName: servername,
    alpn: ['h2'],
    ...(cacert === undefined ? {} : { ca: read(cacert, 'ca certificate') }),
    ...(cert === undefined ? {} : { cert: read(cert, 'certificate/key') }),
    ...(key === undefined ? {} : { key: read(key, 'certificate/key') }),
  }
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
