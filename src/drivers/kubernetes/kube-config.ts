import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { errnoOf } from '../../sys/errno-error.ts'
import type { ClusterSettings } from './cluster.ts'

/** What is wrong with a configuration, in the words of Go's client. */
interface Unusable {
  readonly path: string
  readonly why: string
  readonly cause?: unknown
}

/**
 * Reads how the cluster is reached: the first of the files that names one, else the pod's own account. Throws
 * `failed-precondition` in buildx's words, with what is wrong with the first file.
 */
export function loadKubeConfig({ kubeconfigs, inCluster }: ClusterSettings): KubeConfig {
  const unusable: Unusable[] = []
  for (const path of kubeconfigs) {
    const outcome = read(path)
    if (outcome instanceof KubeConfig) return outcome
    unusable.push(outcome)
  }
  if (inCluster) {
    const config = new KubeConfig()
    config.loadFromCluster()
    return config
  }
  const [first = { path: 'KUBECONFIG', why: noConfiguration }] = unusable
  throw new SlipwayError(
    'failed-precondition',
    `cannot determine Kubernetes namespace, specify manually: ${first.why}`,
    { cause: first.cause, hint: `check ${first.path}: it is to be a kubeconfig file with a current context` },
  )
}

const tokenFileKey = /(^|[\s{,])(["']?)tokenFile\2(\s*):/gm

const noConfiguration =
  'invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable'

function read(path: string): KubeConfig | Unusable {
  const config = new KubeConfig()
  try {
    // The library knows the field under its older name only.
    config.loadFromString(readFileSync(path, 'utf8').replaceAll(tokenFileKey, '$1$2token-file$2$3:'))
    config.makePathsAbsolute(dirname(path))
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return { path, why: `stat ${path}: no such file or directory`, cause }
    const words = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
    return { path, why: `error loading config file ${JSON.stringify(path)}: ${words}`, cause }
  }
  // A token out of a file may end with a newline.
  config.users = config.users.map(user =>
    user.token === undefined ? user : { ...user, token: user.token.trim() },
  )
  // Without TLS there is nothing to verify, but the library wants to hear it.
  config.clusters = config.clusters.map(cluster =>
    cluster.server.startsWith('http://') ? { ...cluster, skipTLSVerify: true } : cluster,
  )
  const current = config.getCurrentContext() ?? ''
  if (config.clusters.length === 0 && current === '') return { path, why: noConfiguration }
  if (config.getCurrentCluster() !== null) return config
  const missing =
    config.getContextObject(current) === null
      ? `[context was not found for specified context: ${current}, cluster has no server defined]`
      : 'cluster has no server defined'
  return { path, why: `invalid configuration: ${missing}` }
}
