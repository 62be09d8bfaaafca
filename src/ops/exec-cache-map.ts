import { clone } from '@bufbuild/protobuf'
import { posix } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { jsonString } from '../gostd/json.ts'
import { type ExecOp, ExecOpSchema, type Mount, MountContentCache, MountType } from '../proto/gen/ops_pb.ts'
import type { Platform } from '../oci/descriptor.ts'
import { cacheDigest } from './cache-digest.ts'
import type { ContentSelector } from './content-hash.ts'
import { dedupePaths } from './file-cache-map.ts'
import { goJson } from './go-json.ts'

/** Key ingredients of an exec op. */
export interface ExecCacheMap {
  readonly digest: string
  readonly inputs: readonly {
    readonly selector: string
    readonly content: readonly ContentSelector[] | undefined
  }[]
}

/**
 * What enters the key: arguments, environment, directory, user, mounts, network, security, host names, platform. What does
 * not: proxy variables, addresses of extra hosts, identity and sharing of cache mounts, limits, contents of secrets.
 * Equal to BuildKit's: https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/ops/exec.go
 */
export function execCacheMap(message: ExecOp, platform: Platform, inputCount: number): ExecCacheMap {
  const op = clone(ExecOpSchema, message)
  for (const host of op.meta?.extraHosts ?? []) host.IP = ''
  for (const mount of op.mounts) {
    mount.selector = ''
    if (mount.cacheOpt && !isPlainCache(mount)) {
      mount.cacheOpt.ID = ''
      mount.cacheOpt.sharing = 0
    }
  }
  if (op.meta) op.meta.proxyEnv = undefined
  const [only] = op.mounts
  if (op.mounts.length === 1 && only && isPlainRoot(only)) op.mounts = []
  const version = platform['os.version']
  const features = platform['os.features']
  const parts = [
    '"Type":"buildkit.exec.v0"',
    `"Exec":${goJson(ExecOpSchema, op)}`,
    `"OS":${jsonString(platform.os)}`,
    `"Arch":${jsonString(platform.architecture)}`,
    ...(platform.variant ? [`"Variant":${jsonString(platform.variant)}`] : []),
    ...(version ? [`"OSVersion":${jsonString(version)}`] : []),
    ...(features?.length ? [`"OSFeatures":${JSON.stringify(features)}`] : []),
  ]
  return { digest: cacheDigest(`{${parts.join(',')}}`), inputs: inputsOf(message, inputCount) }
}

/** A cache mount as the Dockerfile makes it when no id is given, with or without a namespace in front. */
function isPlainCache(mount: Mount): boolean {
  const { cacheOpt } = mount
  if (!cacheOpt || cacheOpt.sharing !== 0) return false
  const slash = cacheOpt.ID.indexOf('/')
  return cacheOpt.ID === mount.dest || (slash >= 0 && cacheOpt.ID.slice(slash + 1) === mount.dest)
}

/** The one mount of a plain RUN, which keys have never contained. */
function isPlainRoot(mount: Mount): boolean {
  return (
    mount.dest === '/' &&
    !mount.readonly &&
    mount.mountType === MountType.BIND &&
    !mount.cacheOpt &&
    !mount.SSHOpt &&
    !mount.secretOpt &&
    mount.resultID === ''
  )
}

function inputsOf(op: ExecOp, inputCount: number): ExecCacheMap['inputs'] {
  const paths = Array.from({ length: inputCount }, (): string[] => [])
  const byContent = Array.from({ length: inputCount }, () => false)
  for (const mount of op.mounts) {
    const input = Number(mount.input)
    if (
      input === -1 ||
      mount.mountType === MountType.SECRET ||
      mount.mountType === MountType.SSH ||
      mount.mountType === MountType.TMPFS
    )
      continue
    const list = paths[input]
    if (list === undefined) throw new SlipwayError('invalid-argument', `invalid mount input ${input}`)
    const selector = posix.join('/', mount.selector)
    list.push(selector)
    byContent[input] = countsByContent(mount, selector)
  }
  return paths.map((list, i) => ({
    selector: list.length === 0 ? '' : cacheDigest(list.join('\0')),
    content: byContent[i] ? contentSelectors(list) : undefined,
  }))
}

function contentSelectors(paths: readonly string[]): readonly ContentSelector[] {
  const deduped = dedupePaths(paths)
  return deduped.includes('/') ? [] : deduped.map(path => ({ path, followLinks: true }))
}

/**
 * Content may decide where the step cannot hand on files that were not looked at: the mount has no output, is read-only,
 * or shows the whole input. The root is never read for this, as it would cost too much.
 */
function countsByContent(mount: Mount, selector: string): boolean {
  const safe = mount.output === -1n || mount.readonly || selector === '/'
  switch (mount.contentCache) {
    case MountContentCache.OFF:
      return false
    case MountContentCache.ON:
      if (!safe) throw new SlipwayError('invalid-argument', `invalid mount cache content for ${mount.dest}`)
      return true
    case MountContentCache.DEFAULT:
      return safe && mount.dest !== '/'
    default:
      throw new SlipwayError(
        'invalid-argument',
        `unknown content cache mode ${mount.contentCache} of mount ${mount.dest}`,
      )
  }
}
