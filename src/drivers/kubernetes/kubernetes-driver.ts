import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { abortError, anySignal, sleep, throwIfAborted } from '../../async/abort.ts'
import { memoize } from '../../async/memoize.ts'
import { retry } from '../../async/retry.ts'
import { connectDuplex } from '../../buildkit/client/connect.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { humanDuration } from '../../gostd/human-duration.ts'
import { parsePlatformList } from '../../oci/platform-list.ts'
import { bootStep } from '../boot-step.ts'
import type { Driver, DynamicNode, NodeStatus } from '../driver.ts'
import type { DriverOptions } from '../driver-options.ts'
import { choosePod, runningPods } from './choose-pod.ts'
import type { Cluster } from './cluster.ts'
import { type KubeOptions, kubeOptions } from './kube-options.ts'
import { type Manifest, makeManifest, platformAnnotation } from './manifest.ts'

/** How long a cluster may take to answer, ms. */
const answerLimit = 30_000

/** The cluster with what belongs to the node there. */
interface Placed {
  readonly cluster: Cluster
  readonly manifest: Manifest
}

/**
 * BuildKit in pods of a Kubernetes cluster: a Deployment, or a StatefulSet that keeps its state. Behaviour:
 * https://github.com/docker/buildx/blob/v0.36.1/driver/kubernetes/driver.go
 */
export function createKubernetesDriver(options: DriverOptions): Driver {
  const settings = kubeOptions(options.driverOpts)
  const name = options.nodeName.replaceAll('_', '-')
  const { flags, files, platforms } = options
  const manifest = makeManifest({ name, flags, files, platforms }, settings)
  const place = memoize(async (): Promise<Placed> => {
    const { openCluster } = await import('./cluster.ts')
    const cluster = openCluster(clusterSettings(options, settings))
    return { cluster, manifest }
  })
  const status = async (signal: AbortSignal): Promise<NodeStatus> => {
    const { cluster, manifest } = await place()
    // Where the cluster does not answer, or does not let us look, there is nothing to build on: booting says why.
    const found = await cluster.workload(manifest, signal).catch((error: unknown) => {
      if (signal.aborted && abortError(signal).code === 'canceled') throw error
      return undefined
    })
    if (found === undefined) return 'inactive'
    return found.ready > 0 ? 'running' : 'stopped'
  }
  const open: Driver['open'] = async signal => {
    const { cluster, manifest } = await place()
    const key = settings.loadbalance === 'sticky' ? options.contextKey : undefined
    const dial = async (): ReturnType<Driver['open']> => {
      const pod = choosePod(await cluster.pods(manifest.labels, signal), key)
      return await cluster.exec(pod, ['buildctl', 'dial-stdio'], signal)
    }
    // A cluster calls pods ready before their nodes' certificates are.
    const retryable = (error: unknown): boolean => asSlipwayError(error).code === 'unavailable'
    return await retry(dial, { attempts: 4, delay: 500, maxDelay: 10_000, retryable, signal })
  }
  return {
    name: 'kubernetes',
    status,
    open,
    dial: async signal => connectDuplex(await open(signal)),
    async dynamicNodes(signal): Promise<readonly DynamicNode[]> {
      const { cluster, manifest } = await place()
      return runningPods(await cluster.pods(manifest.labels, signal)).map(pod => {
        const text = pod.metadata?.annotations?.[platformAnnotation]
        const fixed =
          text === undefined ? [] : parsePlatformList([text], { architecture: 'amd64', os: 'linux' })
        return { platforms: fixed }
      })
    },
    bootstrap: (write, signal) =>
      bootStep(write, '[internal] booting buildkit', async step => {
        const { cluster, manifest } = await place()
        if ((await cluster.workload(manifest, signal)) === undefined) await cluster.create(manifest, signal)
        const limit = humanDuration(settings.timeout)
        await step.part(`waiting for ${settings.replicas} pods to be ready, timeout: ${limit}`, () =>
          waitForPods({ cluster, manifest }, settings, signal),
        )
      }),
    features: async () => ({
      ociExporter: true,
      dockerExporter: true,
      cacheExport: true,
      multiPlatform: true,
      attestations: true,
      keepsImages: false,
      defaultLoad: settings.defaultLoad,
    }),
    stop: async () => undefined,
    async remove({ keepDaemon }, signal) {
      if (keepDaemon) return
      const { cluster, manifest } = await place()
      await cluster.remove(manifest, signal)
    },
  }
}

/** The kubeconfig of the endpoint, of the environment, the pod's own: the first that will do. */
function clusterSettings(
  options: DriverOptions,
  settings: KubeOptions,
): Parameters<typeof import('./cluster.ts').openCluster>[0] {
  const { env, endpoint } = options
  const query = endpoint.startsWith('kubernetes:') ? new URL(endpoint).searchParams : new URLSearchParams()
  const split = (list: string | null | undefined): string[] => (list ?? '').split(':').filter(Boolean)
  const named = [query.get('kubeconfig'), env['KUBECONFIG']].flatMap(split)
  const usual = join(env['HOME'] || homedir(), '.kube', 'config')
  return {
    patience: Math.min(answerLimit, settings.timeout),
    kubeconfigs: named.length > 0 ? named : existsSync(usual) ? [usual] : [],
    inCluster: (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '',
    namespace: settings.namespace,
  }
}

async function waitForPods(
  { cluster, manifest }: Placed,
  settings: KubeOptions,
  signal: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.timeout(settings.timeout)
  const both = anySignal(signal, limit)
  let ready = 0
  for (;;) {
    try {
      const found = await cluster.workload(manifest, both)
      ready = found?.ready ?? 0
      if (ready >= settings.replicas) return
      await nextChange({ cluster, manifest }, found?.version ?? '', both)
    } catch (error) {
      throwIfAborted(signal)
      if (!limit.aborted) throw error
      const hint = await podTroubles({ cluster, manifest }, signal)
      throw new SlipwayError(
        'deadline-exceeded',
        `expected ${settings.replicas} replicas to be ready, got ${ready}`,
        hint === '' ? {} : { hint },
      )
    }
  }
}

/** Waits for a change after `version`: a tenth of a second at least, since a watch may end at once, and five at most. */
async function nextChange(
  { cluster, manifest }: Placed,
  version: string,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const waiting = anySignal(signal, over.signal)
  try {
    const change = Promise.race([cluster.changed(manifest, version, waiting), sleep(5000, waiting)])
    await Promise.all([change, sleep(100, waiting)])
  } finally {
    over.abort()
  }
}

/** What pods say of themselves while they are not ready. */
async function podTroubles({ cluster, manifest }: Placed, signal: AbortSignal): Promise<string> {
  const pods = await cluster.pods(manifest.labels, signal).catch(() => [])
  const troubles = pods.flatMap(pod => {
    const waiting = pod.status?.containerStatuses?.flatMap(container => container.state?.waiting ?? []) ?? []
    const conditions =
      pod.status?.conditions?.filter(one => one.status !== 'True' && one.message !== undefined) ?? []
    return [
      ...waiting.map(one => `pod ${pod.metadata?.name}: ${one.reason ?? ''} ${one.message ?? ''}`.trim()),
      ...conditions.map(one => `pod ${pod.metadata?.name}: ${one.message}`),
    ]
  })
  return [...new Set(troubles)].join('; ')
}
