import { readFileSync } from 'node:fs'
import { Duplex, PassThrough, Writable } from 'node:stream'
import {
  AppsV1Api,
  CoreV1Api,
  Exec,
  type KubeConfig,
  type V1Deployment,
  type V1Pod,
  type V1StatefulSet,
  Watch,
} from '@kubernetes/client-node'
import { abortable, anySignal } from '../../async/abort.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { loadKubeConfig } from './kube-config.ts'
import type { Manifest } from './manifest.ts'

/** Where a cluster's configuration is looked for. */
export interface ClusterSettings {
  /** Paths of kubeconfig files; the first that names a cluster counts, else the pod's own that this runs in. */
  readonly kubeconfigs: readonly string[]
  /** How long the cluster may take to answer, ms. */
  readonly patience: number
  /** This runs in a pod. */
  readonly inCluster: boolean
  /** Instead of the one of the configuration. */
  readonly namespace: string | undefined
}

/** A workload as it was at one time. */
export interface WorkloadState {
  /** Replicas that are ready. */
  readonly ready: number
  /** The time, as the API server counts it. */
  readonly version: string
}

/** A namespace of a cluster, as far as builders need it. */
export interface Cluster {
  readonly namespace: string
  /** Undefined where there is no such workload. */
  workload(manifest: Manifest, signal: AbortSignal): Promise<WorkloadState | undefined>
  /** Creates the objects; configuration that is there is replaced. */
  create(manifest: Manifest, signal: AbortSignal): Promise<void>
  /** Removes the objects as far as they are there. */
  remove(manifest: Manifest, signal: AbortSignal): Promise<void>
  pods(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<readonly V1Pod[]>
  /** Settles with the next change of a workload after `version`, or when the watch ends for whatever reason. */
  changed(manifest: Manifest, version: string, signal: AbortSignal): Promise<void>
  /** Runs a command in a pod; its standard streams are the byte stream. */
  exec(pod: V1Pod, command: readonly string[], signal: AbortSignal): Promise<Duplex>
}

const inClusterNamespace = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'

/** Opens a cluster; nothing is asked yet. Throws `failed-precondition` where no configuration is found. */
export function openCluster(settings: ClusterSettings): Cluster {
  const config = loadKubeConfig(settings)
  const context = config.getContextObject(config.getCurrentContext())
  // Where it comes out of a pod's file it may end with a newline.
  const namespace = settings.namespace ?? context?.namespace?.trim() ?? namespaceOfPod() ?? 'default'
  const apps = config.makeApiClient(AppsV1Api)
  const core = config.makeApiClient(CoreV1Api)
  const nameOf = ({ workload }: Manifest): string => workload.object.metadata?.name ?? ''
  const server = config.getCurrentCluster()?.server ?? ''
  const ask = <T>(what: string, call: Promise<T>, signal: AbortSignal): Promise<T> => {
    const over = AbortSignal.timeout(settings.patience)
    return abortable(call, anySignal(signal, over)).catch((error: unknown) => {
      if (over.aborted && !signal.aborted) throw clusterError(what, server, new Error('no answer in time'))
      throw clusterError(what, server, error)
    })
  }
  const orUndefined = async <T>(call: Promise<T>): Promise<T | undefined> => {
    try {
      return await call
    } catch (error) {
      if (statusOf(error) === 404) return undefined
      throw error
    }
  }
  return {
    namespace,
    async workload(manifest, signal) {
      const name = nameOf(manifest)
      const read: Promise<V1Deployment | V1StatefulSet> =
        manifest.workload.kind === 'Deployment'
          ? apps.readNamespacedDeployment({ name, namespace })
          : apps.readNamespacedStatefulSet({ name, namespace })
      const found = await ask(`getting ${name}`, orUndefined(read), signal)
      if (found === undefined) return undefined
      return { ready: found.status?.readyReplicas ?? 0, version: found.metadata?.resourceVersion ?? '' }
    },
    async create(manifest, signal) {
      for (const body of manifest.configMaps) {
        const name = body.metadata?.name ?? ''
        const made = core.createNamespacedConfigMap({ namespace, body }).catch((error: unknown) => {
          if (statusOf(error) !== 409) throw error
          return core.replaceNamespacedConfigMap({ name, namespace, body })
        })
        await ask(`error while calling configMapClient.Create for ${JSON.stringify(name)}`, made, signal)
      }
      const { workload } = manifest
      const made: Promise<unknown> =
        workload.kind === 'Deployment'
          ? apps.createNamespacedDeployment({ namespace, body: workload.object })
          : apps.createNamespacedStatefulSet({ namespace, body: workload.object })
      await ask(`error while calling Create for ${JSON.stringify(nameOf(manifest))}`, made, signal)
    },
    async remove(manifest, signal) {
      const name = nameOf(manifest)
      const { workload } = manifest
      const removed: Promise<unknown> =
        workload.kind === 'Deployment'
          ? apps.deleteNamespacedDeployment({ name, namespace })
          : apps.deleteNamespacedStatefulSet({ name, namespace })
      await ask(`error while calling Delete for ${JSON.stringify(name)}`, orUndefined(removed), signal)
      for (const { metadata } of manifest.configMaps) {
        const gone = core.deleteNamespacedConfigMap({ name: metadata?.name ?? '', namespace })
        await ask(
          `error while calling configMapClient.Delete for ${JSON.stringify(metadata?.name)}`,
          orUndefined(gone),
          signal,
        )
      }
    },
    async pods(labels, signal) {
      const labelSelector = Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(',')
      return (await ask('listing pods', core.listNamespacedPod({ namespace, labelSelector }), signal)).items
    },
    async changed(manifest, version, signal) {
      const plural = manifest.workload.kind === 'Deployment' ? 'deployments' : 'statefulsets'
      const path = `/apis/apps/v1/namespaces/${namespace}/${plural}`
      const done = Promise.withResolvers<void>()
      // Without a version the watch begins with what is there, at once.
      const query = {
        fieldSelector: `metadata.name=${nameOf(manifest)}`,
        resourceVersion: version,
        timeoutSeconds: 30,
      }
      const watch = new Watch(config).watch(
        path,
        query,
        () => done.resolve(),
        () => done.resolve(),
      )
      const request = await watch.catch(() => undefined)
      try {
        if (request !== undefined) await abortable(done.promise, signal)
      } finally {
        request?.abort()
      }
    },
    exec: (pod, command, signal) =>
      execIn(config, pod, command, { namespace, server, signal, patience: settings.patience }),
  }
}

function namespaceOfPod(): string | undefined {
  try {
    return readFileSync(inClusterNamespace, 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}

function statusOf(error: unknown): number | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number'
    ? error.code
    : undefined
}

/** What the API server says, in one line; or that it does not answer. */
function clusterError(what: string, server: string, error: unknown): unknown {
  if (error instanceof SlipwayError) return error
  const status = statusOf(error)
  if (status !== undefined) {
    const code = status === 403 ? 'permission-denied' : status === 401 ? 'unauthenticated' : 'unknown'
    return new SlipwayError(code, `${what}: ${messageOf(error) ?? `HTTP status ${status}`}`, { cause: error })
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const why = cause instanceof Error ? cause.message : String(cause)
  return new SlipwayError('unavailable', `${what}: the Kubernetes API at ${server} does not answer: ${why}`, {
    cause: error,
    hint: 'check the kubeconfig file and its current context',
  })
}

function messageOf(error: unknown): string | undefined {
  const body = typeof error === 'object' && error !== null && 'body' in error ? error.body : undefined
  try {
    const parsed = (typeof body === 'string' ? JSON.parse(body) : body) as
      | { readonly message?: unknown }
      | undefined
    if (typeof parsed?.message === 'string') return parsed.message
  } catch {
    // Not what the API server writes: what the library makes of the status is left.
  }
  return error instanceof Error ? /^Message: (.+)$/m.exec(error.message)?.[1] : undefined
}

async function execIn(
  config: KubeConfig,
  pod: V1Pod,
  command: readonly string[],
  where: {
    readonly namespace: string
    readonly server: string
    readonly signal: AbortSignal
    readonly patience: number
  },
): Promise<Duplex> {
  const name = pod.metadata?.name ?? ''
  const container = pod.spec?.containers[0]?.name
  if (container === undefined) throw new SlipwayError('unknown', `pod ${name} does not have any container`)
  const input = new PassThrough()
  const output = new PassThrough()
  let words = ''
  const errors = new Writable({
    write(chunk: Buffer, _encoding, done) {
      words = (words + chunk.toString()).slice(-4096)
      done()
    },
  })
  // A pair of streams is allowed by Node, though not by its types.
  const duplex = Duplex.from({ readable: output, writable: input } as never)
  duplex.on('error', () => {})
  const opening = new Exec(config).exec(
    where.namespace,
    name,
    container,
    [...command],
    output,
    errors,
    input,
    false,
    status => {
      if (status.status === 'Success') return
      duplex.destroy(
        new SlipwayError(
          'unavailable',
          `pod ${name}: ${command.join(' ')}: ${words.trim() || status.message || 'failed'}`,
        ),
      )
    },
  )
  try {
    const limit = anySignal(where.signal, AbortSignal.timeout(where.patience))
    const socket = await abortable(opening, limit)
    socket.on('close', () => output.end())
    socket.on('error', () => duplex.destroy())
    duplex.once('close', () => socket.close())
    return duplex
  } catch (error) {
    opening.then(socket => socket.close()).catch(() => {})
    duplex.destroy()
    if (where.signal.aborted) throw error
    const why =
      error instanceof Error
        ? error.message
        : 'message' in (error as object)
          ? String((error as { message: unknown }).message)
          : String(error)
    throw new SlipwayError('unavailable', `failed to connect to pod ${name}: ${why}`, { cause: error })
  }
}
