import { formatPlatformAll } from '../oci/platform.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { tryParseBool } from '../gostd/parse-number.ts'
import type { BuildRequest } from './build-request.ts'

/**
 * What the Dockerfile frontend is told. Names: https://github.com/docker/buildx/blob/v0.36.1/build/opt.go and
 * https://github.com/moby/buildkit/blob/v0.32.2/frontend/dockerui/config.go
 */
export function frontendAttributes(request: BuildRequest): Record<string, string> {
  const attrs: Record<string, string> = {}
  if (request.target !== undefined && request.target !== '') attrs['target'] = request.target
  const noCache = noCacheValue(request)
  if (noCache !== undefined) attrs['no-cache'] = noCache
  if (request.pull) attrs['image-resolve-mode'] = 'pull'
  if (request.platforms.length > 0) attrs['platform'] = request.platforms.map(formatPlatformAll).join(',')
  for (const [key, value] of Object.entries(request.buildArgs)) attrs[`build-arg:${key}`] = value
  for (const [key, value] of Object.entries(request.labels)) attrs[`label:${key}`] = value
  for (const [type, value] of Object.entries(request.attests)) attrs[`attest:${type}`] = value
  for (const [key, value] of Object.entries(request.resources)) attrs[key] = value
  if (request.network === 'host' || request.network === 'none') attrs['force-network-mode'] = request.network
  if (request.extraHosts.length > 0) attrs['add-hosts'] = request.extraHosts.join(',')
  if (request.shmSize !== undefined && request.shmSize > 0) attrs['shm-size'] = String(request.shmSize)
  if (request.ulimits.length > 0) attrs['ulimit'] = request.ulimits.join(',')
  if (request.cgroupParent) attrs['cgroup-parent'] = request.cgroupParent
  const { BUILDKIT_MULTI_PLATFORM: multiPlatform = '', BUILDKIT_SANDBOX_HOSTNAME: hostname = '' } =
    request.buildArgs
  if (tryParseBool(multiPlatform) === true) attrs['multi-platform'] = 'true'
  if (hostname !== '') attrs['hostname'] = hostname
  const syntax = syntaxOf(request)
  if (syntax !== undefined) {
    attrs['source'] = syntax.split(' ')[0] ?? ''
    attrs['cmdline'] = request.buildArgs['BUILDKIT_SYNTAX'] ?? ''
  }
  if (request.call !== undefined) attrs['requestid'] = request.call.split(',')[0] ?? ''
  return attrs
}

/** The frontend that builds: an image where the argument BUILDKIT_SYNTAX names one, else that of Dockerfiles. */
export function frontendName(request: BuildRequest): string {
  return syntaxOf(request) === undefined ? 'dockerfile.v0' : 'gateway.v0'
}

function syntaxOf({ buildArgs }: BuildRequest): string | undefined {
  const text = buildArgs['BUILDKIT_SYNTAX']?.trim()
  if (text !== '') return text
  throw new SlipwayError(
    'invalid-argument',
    "empty BUILDKIT_SYNTAX build-arg is invalid, use --build-arg BUILDKIT_SYNTAX without '=' for optional behavior",
  )
}

/** Empty: nothing from the cache; names: not for these stages; undefined: all may come from it. */
function noCacheValue(request: BuildRequest): string | undefined {
  if (request.noCache) return ''
  return request.noCacheFilter.length > 0 ? request.noCacheFilter.join(',') : undefined
}
