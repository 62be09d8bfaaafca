import { posix } from 'node:path'
import type {
  V1ConfigMap,
  V1Container,
  V1Deployment,
  V1PodTemplateSpec,
  V1Probe,
  V1StatefulSet,
} from '@kubernetes/client-node'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { formatPlatform, type Platform } from '../../oci/platform.ts'
import type { KubeOptions } from './kube-options.ts'

/** Annotation that tells the platforms a node is for. */
export const platformAnnotation = 'buildx.docker.com/platform'

const appLabel = 'app'
const containerName = 'buildkitd'
const claimName = 'buildkitd'
const memoryName = 'buildkit-memory'

/** What objects are made of, besides the options. */
export interface ManifestInput {
  /** Name of the Deployment or StatefulSet. */
  readonly name: string
  readonly flags: readonly string[]
  readonly files: Readonly<Record<string, Uint8Array>>
  readonly platforms: readonly Platform[]
}

/** The objects of a node: a Deployment, or a StatefulSet where its state is to be kept. */
export interface Manifest {
  readonly workload:
    | { readonly kind: 'Deployment'; readonly object: V1Deployment }
    | { readonly kind: 'StatefulSet'; readonly object: V1StatefulSet }
  readonly configMaps: readonly V1ConfigMap[]
  /** Selects the pods of the node. */
  readonly labels: Readonly<Record<string, string>>
}

/**
 * Makes the objects of a node. Throws `invalid-argument` for reserved labels and annotations.
 * Source: https://github.com/docker/buildx/blob/v0.36.1/driver/kubernetes/manifest/manifest.go
 */
export function makeManifest(input: ManifestInput, options: KubeOptions): Manifest {
  const { name } = input
  if (platformAnnotation in options.annotations) throw reserved('annotation', platformAnnotation)
  if (appLabel in options.labels) throw reserved('label', appLabel)
  const labels = { [appLabel]: name, ...options.labels }
  const fixed = input.platforms.map(formatPlatform).join(',')
  const annotations = { ...(fixed === '' ? {} : { [platformAnnotation]: fixed }), ...options.annotations }
  const configs = configsOf(input, annotations)
  const apparmor = `container.apparmor.security.beta.kubernetes.io/${containerName}`
  const podAnnotations = { ...annotations, ...(options.rootless ? { [apparmor]: 'unconfined' } : {}) }
  const configMaps = configs.map(({ map }) => map)
  const template = podTemplate(input, options, { labels, annotations: podAnnotations }, configs)
  const metadata = { name, labels, annotations: podAnnotations }
  const spec = { replicas: options.replicas, selector: { matchLabels: labels }, template }
  if (options.persistentStorage === undefined) {
    return {
      workload: { kind: 'Deployment', object: { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec } },
      configMaps,
      labels,
    }
  }
  const claim = {
    metadata: { name: claimName },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: options.persistentStorage } } },
  }
  const stateful = {
    ...spec,
    serviceName: 'buildkitd',
    podManagementPolicy: 'Parallel',
    volumeClaimTemplates: [claim],
  }
  return {
    workload: {
      kind: 'StatefulSet',
      object: { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, spec: stateful },
    },
    configMaps,
    labels,
  }
}

function reserved(what: string, name: string): SlipwayError {
  return new SlipwayError(
    'invalid-argument',
    `the ${what} ${JSON.stringify(name)} is reserved and cannot be customized`,
  )
}

const probe: V1Probe = {
  exec: { command: ['buildctl', 'debug', 'workers'] },
  failureThreshold: 3,
  initialDelaySeconds: 5,
  periodSeconds: 30,
  successThreshold: 1,
  timeoutSeconds: 60,
}

function podTemplate(
  input: ManifestInput,
  options: KubeOptions,
  metadata: { readonly labels: Record<string, string>; readonly annotations: Record<string, string> },
  configs: readonly Config[],
): V1PodTemplateSpec {
  const { rootless, rootVolumeMemory, persistentStorage } = options
  const mounts = configs.map(({ volume, folder }) => ({
    name: volume,
    mountPath: posix.join('/etc/buildkit', folder),
  }))
  const volumes = configs.map(({ volume, map }) => ({
    name: volume,
    configMap: { name: map.metadata?.name ?? '' },
  }))
  const state = rootless ? '/home/user/.local/share/buildkit' : '/var/lib/buildkit'
  const inMemory = rootVolumeMemory === undefined ? {} : { medium: 'Memory', sizeLimit: rootVolumeMemory }
  const hasStateVolume = rootless || rootVolumeMemory !== undefined || persistentStorage !== undefined
  const stateName = rootless || persistentStorage !== undefined ? claimName : memoryName
  // The claim of a StatefulSet is a volume of its own accord, and stands in place of one of the same name.
  const stateVolumes =
    rootless || rootVolumeMemory !== undefined
      ? [{ name: rootless ? claimName : memoryName, emptyDir: inMemory }]
      : []
  const container: V1Container = {
    name: containerName,
    image: options.image,
    args: [...input.flags, ...(rootless ? ['--oci-worker-no-process-sandbox'] : [])],
    securityContext: rootless ? { seccompProfile: { type: 'Unconfined' } } : { privileged: true },
    readinessProbe: probe,
    livenessProbe: probe,
    resources: { requests: { ...options.requests }, limits: { ...options.limits } },
    env: Object.entries(options.env).map(([name, value]) => ({ name, value })),
    volumeMounts: [...mounts, ...(hasStateVolume ? [{ name: stateName, mountPath: state }] : [])],
  }
  const qemu: V1Container[] =
    options.qemuImage === undefined
      ? []
      : [
          {
            name: 'qemu',
            image: options.qemuImage,
            args: ['--install', 'all'],
            securityContext: { privileged: true },
          },
        ]
  return {
    metadata: { labels: metadata.labels, annotations: metadata.annotations },
    spec: {
      containers: [container],
      initContainers: qemu,
      volumes: [...volumes, ...stateVolumes],
      nodeSelector: { ...options.nodeSelector },
      tolerations: [...options.tolerations],
      ...(options.serviceAccount === undefined ? {} : { serviceAccountName: options.serviceAccount }),
      ...(options.schedulerName === undefined ? {} : { schedulerName: options.schedulerName }),
    },
  }
}

/** One folder below the configuration folder: a ConfigMap holds no deeper paths. */
interface Config {
  readonly volume: string
  readonly folder: string
  readonly map: V1ConfigMap
}

function configsOf(input: ManifestInput, annotations: Readonly<Record<string, string>>): Config[] {
  const folders = Map.groupBy(Object.keys(input.files).sort(), path => posix.dirname(path))
  let count = 0
  return [...folders].map(([folder, paths]) => {
    const suffix = folder === '.' ? 'config' : `config-${++count}`
    const data: Record<string, string> = {}
    for (const path of paths)
      data[posix.basename(path)] = Buffer.from(input.files[path] ?? []).toString('utf8')
    const metadata = { name: `${input.name}-${suffix}`, annotations: { ...annotations } }
    return { volume: suffix, folder, map: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } }
  })
}
