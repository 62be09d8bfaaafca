import { SlipwayError } from '../../errors/slipway-error.ts'
import { ramInBytes } from '../../gostd/byte-units.ts'
import { flagOption, integerOption, unknownOption } from '../driver-options.ts'

/** The image of builders that name none. */
export const defaultImage = 'moby/buildkit:buildx-stable-1'

/** How a builder's container is made. Source: buildx v0.36.1 driver/docker-container/factory.go */
export interface ContainerOptions {
  readonly image: string
  readonly network?: string
  /** Bytes; -1 as swap is unlimited. */
  readonly memory?: number
  readonly memorySwap?: number
  readonly cpuQuota?: number
  readonly cpuPeriod?: number
  readonly cpuShares?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly cgroupParent?: string
  readonly restartPolicy: { readonly name: string; readonly maximumRetryCount: number }
  /** `NAME=value` each. */
  readonly env: readonly string[]
  readonly defaultLoad: boolean
  readonly provenanceAddGha: boolean
  readonly allowUntrustedImage: boolean
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Reads the options of a docker-container node. Throws `invalid-argument` in buildx's words. */
export function containerOptions(values: Readonly<Record<string, string>>): ContainerOptions {
  const options: Mutable<ContainerOptions> & { env: string[] } = {
    image: defaultImage,
    restartPolicy: { name: 'unless-stopped', maximumRetryCount: 0 },
    env: [],
    defaultLoad: false,
    provenanceAddGha: true,
    allowUntrustedImage: false,
  }
  const readers: Readonly<Record<string, (value: string) => void>> = {
    image: value => (options.image = value === '' ? defaultImage : value),
    network: value => (options.network = value),
    memory: value => (options.memory = ramInBytes(value)),
    'memory-swap': value => (options.memorySwap = value === '-1' ? -1 : ramInBytes(value)),
    'cpu-quota': value => (options.cpuQuota = integerOption(value)),
    'cpu-period': value => (options.cpuPeriod = integerOption(value)),
    'cpu-shares': value => (options.cpuShares = integerOption(value)),
    'cpuset-cpus': value => (options.cpusetCpus = value),
    'cpuset-mems': value => (options.cpusetMems = value),
    'cgroup-parent': value => (options.cgroupParent = value),
    'restart-policy': value => (options.restartPolicy = restartPolicy(value)),
    'default-load': value => (options.defaultLoad = flagOption(value)),
    'provenance-add-gha': value => (options.provenanceAddGha = flagOption(value)),
    'allow-untrusted-image': value => (options.allowUntrustedImage = flagOption(value)),
  }
  for (const [name, value] of Object.entries(values)) {
    if (name.startsWith('env.')) options.env.push(variable(name, value))
    else if (Object.hasOwn(readers, name)) readers[name]?.(value)
    else throw unknownOption(name, 'docker-container')
  }
  return options
}

/** `env.NAME` as `NAME=value`. Throws `invalid-argument`. */
export function variable(option: string, value: string): string {
  const name = option.slice('env.'.length)
  if (name !== '') return `${name}=${value}`
  throw new SlipwayError(
    'invalid-argument',
    `invalid env option ${JSON.stringify(option)}, expecting env.FOO=bar`,
  )
}

/** `name[:retries]`, as `docker run --restart` reads it. */
function restartPolicy(text: string): ContainerOptions['restartPolicy'] {
  const at = text.indexOf(':')
  if (at === 0) throw invalid('invalid restart policy format: no policy provided before colon')
  if (at < 0) return { name: text, maximumRetryCount: 0 }
  const count = text.slice(at + 1)
  if (count !== '' && !/^[+-]?\d+$/.test(count)) {
    throw invalid('invalid restart policy format: maximum retry count must be an integer')
  }
  return { name: text.slice(0, at), maximumRetryCount: Number(count) }
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
