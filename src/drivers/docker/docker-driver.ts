import { isIP } from 'node:net'
import { anySignal } from '../../async/abort.ts'
import { connectDuplex } from '../../buildkit/client/connect.ts'
import { listWorkers } from '../../buildkit/client/daemon.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Driver, DriverFeatures } from '../driver.ts'
import type { DriverOptions } from '../driver-options.ts'
import { mobyBuildkitVersion } from './moby-buildkit.ts'

/** How long a daemon may take to say who it is, ms. */
const infoLimit = 10_000

/** Label by which a daemon's worker shows that it keeps images in containerd's store. */
export const snapshotterLabel = 'org.mobyproject.buildkit.worker.snapshotter'

/** Label by which a daemon's worker tells how builds reach its machine. */
const hostGatewayLabel = 'org.mobyproject.buildkit.worker.moby.host-gateway-ip'

/**
 * BuildKit inside a docker daemon, reached through the daemon's own API (`POST /grpc`). Behaviour:
 * https://github.com/docker/buildx/blob/v0.36.1/driver/docker/driver.go
 */
export function createDockerDriver(options: DriverOptions): Driver {
  if (Object.keys(options.files).length > 0) {
    throw new SlipwayError(
      'invalid-argument',
      'setting config file is not supported for docker driver, use dockerd configuration file',
    )
  }
  const api = options.docker()
  let features: Promise<DriverFeatures> | undefined
  const open: Driver['open'] = signal => api.hijack('/grpc', 'h2c', { signal })
  const dial: Driver['dial'] = async signal => connectDuplex(await open(signal))
  const serverVersion = async (signal: AbortSignal): Promise<string> => {
    const limit = anySignal(signal, AbortSignal.timeout(infoLimit))
    const answer = await api.json('/version', { signal: limit })
    const version =
      typeof answer === 'object' && answer !== null && 'Version' in answer ? answer.Version : undefined
    if (typeof version === 'string') return version
    throw new SlipwayError(
      'unavailable',
      `what answers at ${api.host} is not a docker daemon: it has no version`,
    )
  }
  return {
    name: 'docker',
    open,
    dial,
    async status(signal) {
      await serverVersion(signal)
      return 'running'
    },
    version: async signal => {
      const version = await serverVersion(signal)
      return mobyBuildkitVersion(version) ?? version.replace(/-moby$/, '')
    },
    bootstrap: async () => undefined,
    features(signal) {
      features ??= readFeatures(dial, signal).catch((error: unknown) => {
        features = undefined
        throw error
      })
      return features
    },
    async hostGateway(signal) {
      await using connection = await dial(signal)
      const workers = await listWorkers(connection, signal)
      const address = workers.map(worker => worker.labels[hostGatewayLabel] ?? '').find(text => text !== '')
      if (address === undefined) throw new SlipwayError('not-found', 'host-gateway IP not found')
      if (isIP(address) !== 0) return address
      throw new SlipwayError('data-loss', `failed to parse host-gateway IP: ${address}`)
    },
    stop: async () => undefined,
    remove: async () => undefined,
  }
}

/** What depends on the daemon's image store: the classic one holds one platform per image and nothing else. */
async function readFeatures(dial: Driver['dial'], signal: AbortSignal): Promise<DriverFeatures> {
  await using connection = await dial(signal)
  const workers = await listWorkers(connection, signal)
  const containerd = workers.some(worker => snapshotterLabel in worker.labels)
  return {
    ociExporter: containerd,
    dockerExporter: containerd,
    cacheExport: containerd,
    multiPlatform: containerd,
    attestations: containerd,
    keepsImages: true,
    directPush: containerd,
    prefersImageDigest: containerd,
    defaultLoad: true,
  }
}
