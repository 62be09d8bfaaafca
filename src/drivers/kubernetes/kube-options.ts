import type { V1Toleration } from '@kubernetes/client-node'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { parseDuration, toMilliseconds } from '../../gostd/duration.ts'
import { parseInteger } from '../../gostd/parse-number.ts'
import { flagOption, integerOption } from '../driver-options.ts'

/** Images of builders that name none. */
const images = {
  usual: 'moby/buildkit:buildx-stable-1',
  rootless: 'moby/buildkit:buildx-stable-1-rootless',
  qemu: 'tonistiigi/binfmt:latest',
} as const

/** Amounts that pods ask for or are limited to, as Kubernetes writes quantities (`500m`, `2Gi`). */
export interface Amounts {
  readonly cpu?: string
  readonly memory?: string
  readonly 'ephemeral-storage'?: string
}

/** How a node's pods are made. Source: buildx v0.36.1 driver/kubernetes/factory.go */
export interface KubeOptions {
  readonly image: string
  /** Undefined: that of the configuration. */
  readonly namespace?: string
  readonly replicas: number
  readonly requests: Amounts
  readonly limits: Amounts
  /** Size of the volume that keeps the daemon's state; makes the node a StatefulSet. */
  readonly persistentStorage?: string
  /** Size of the memory that holds the daemon's state. */
  readonly rootVolumeMemory?: string
  readonly rootless: boolean
  readonly schedulerName?: string
  readonly serviceAccount?: string
  readonly nodeSelector: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly tolerations: readonly V1Toleration[]
  readonly loadbalance: 'sticky' | 'random'
  /** Image that registers emulators first; undefined: none are registered. */
  readonly qemuImage?: string
  readonly env: Readonly<Record<string, string>>
  readonly defaultLoad: boolean
  /** How long pods may take to be ready, ms. */
  readonly timeout: number
}

/** Reads the options of a node. Throws `invalid-argument` in buildx's words. */
export function kubeOptions(values: Readonly<Record<string, string>>): KubeOptions {
  const text = (name: string): string | undefined => values[name] || undefined
  const known = new Set<string>(Object.keys(readers))
  for (const name of Object.keys(values)) {
    if (name === 'env.') {
      throw new SlipwayError(
        'invalid-argument',
        `invalid env option ${JSON.stringify(name)}, expecting env.FOO=bar`,
      )
    }
    if (known.has(name) || name.startsWith('env.')) continue
    throw new SlipwayError('invalid-argument', `invalid driver option ${name} for driver kubernetes`)
  }
  const flag = (name: string): boolean => values[name] !== undefined && flagOption(values[name])
  const rootless = flag('rootless')
  const pairs = (name: string, what: string): Record<string, string> =>
    values[name] === undefined ? {} : splitPairs(values[name], what)
  const optional = <K extends string>(key: K, value: string | undefined): { [P in K]?: string } =>
    (value === undefined ? {} : { [key]: value }) as { [P in K]?: string }
  return {
    image: text('image') ?? (rootless ? images.rootless : images.usual),
    ...optional('namespace', text('namespace')),
    replicas: values['replicas'] === undefined ? 1 : integerOption(values['replicas']),
    requests: amounts(values, 'requests', ['cpu', 'memory']),
    // The request for storage is a limit, too: that is what buildx makes of it.
    limits: {
      ...optional('ephemeral-storage', quantity(text('requests.ephemeral-storage'))),
      ...amounts(values, 'limits', ['cpu', 'memory', 'ephemeral-storage']),
    },
    ...optional('persistentStorage', quantity(text('persistent-volume-claim.requests.storage'))),
    ...optional('rootVolumeMemory', quantity(text('buildkit-root-volume-memory'))),
    rootless,
    ...optional('schedulerName', text('schedulername')),
    ...optional('serviceAccount', text('serviceaccount')),
    nodeSelector: pairs('nodeselector', 'cannot parse node selector'),
    annotations: pairs('annotations', 'cannot parse annotations'),
    labels: pairs('labels', 'cannot parse labels'),
    tolerations: values['tolerations'] === undefined ? [] : tolerations(values['tolerations']),
    loadbalance: loadbalance(values['loadbalance'] ?? 'sticky'),
    ...optional('qemuImage', flag('qemu.install') ? (text('qemu.image') ?? images.qemu) : undefined),
    env: Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) =>
        name.startsWith('env.') ? [[name.slice(4), value]] : [],
      ),
    ),
    defaultLoad: flag('default-load'),
    timeout: values['timeout'] === undefined ? 120_000 : timeout(values['timeout']),
  }
}

/** Names of the options, so that others are refused. */
const readers = Object.fromEntries(
  (
    'image namespace replicas requests.cpu requests.memory requests.ephemeral-storage limits.cpu limits.memory ' +
    'limits.ephemeral-storage persistent-volume-claim.requests.storage rootless schedulername serviceaccount ' +
    'nodeselector annotations labels tolerations loadbalance qemu.install qemu.image buildkit-root-volume-memory ' +
    'default-load timeout'
  )
    .split(' ')
    .map(name => [name, true]),
)

function amounts(values: Readonly<Record<string, string>>, group: string, names: readonly string[]): Amounts {
  const found: Record<string, string> = {}
  for (const name of names) {
    const value = quantity(values[`${group}.${name}`] || undefined)
    if (value !== undefined) found[name] = value
  }
  return found
}

function quantity(text: string | undefined): string | undefined {
  if (text === undefined || /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/.test(text))
    return text
  throw new SlipwayError(
    'invalid-argument',
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  )
}

function splitPairs(text: string, what: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const pair of text.replace(/^"+|"+$/g, '').split(',')) {
    const [key = '', value, more] = pair.split('=')
    if (value === undefined || more !== undefined) {
      throw new SlipwayError('invalid-argument', `${what}: invalid key-value pair: ${pair}`)
    }
    found[key] = value
  }
  return found
}

function tolerations(text: string): V1Toleration[] {
  return text.split(';').map(part => {
    const toleration: V1Toleration = {}
    for (const pair of part.split(',')) {
      const [key = '', value, more] = pair.split('=')
      if (value === undefined || more !== undefined) continue
      if (key === 'tolerationSeconds')
        toleration.tolerationSeconds = parseInteger(value, { base: 10, func: 'Atoi' })
      else if (key === 'key' || key === 'operator' || key === 'value' || key === 'effect')
        toleration[key] = value
      else throw new SlipwayError('invalid-argument', `invalid tolaration ${JSON.stringify(text)}`)
    }
    return toleration
  })
}

function loadbalance(text: string): KubeOptions['loadbalance'] {
  if (text === 'sticky' || text === 'random') return text
  throw new SlipwayError('invalid-argument', `invalid loadbalance ${JSON.stringify(text)}`)
}

function timeout(text: string): number {
  try {
    return toMilliseconds(parseDuration(text))
  } catch (error) {
    throw wrapError('cannot parse timeout', error)
  }
}
