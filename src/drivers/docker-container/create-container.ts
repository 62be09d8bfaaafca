import { statSync } from 'node:fs'
import { asSlipwayError, isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { tryParseBool } from '../../gostd/parse-number.ts'
import { parseReference, withDefaultTag } from '../../oci/reference.ts'
import type { BootStep } from '../boot-step.ts'
import type { DockerApi } from '../docker/docker-api.ts'
import { readMessages } from '../docker/load-image.ts'
import { registryAuth } from '../docker/registry-auth.ts'
import type { DriverOptions } from '../driver-options.ts'
import { configArchive } from './config-archive.ts'
import type { ContainerOptions } from './container-options.ts'
import { githubContext } from './github-context.ts'

/** What a new container is made of. */
export interface ContainerCreation extends DriverOptions {
  readonly api: DockerApi
  readonly name: string
  readonly settings: ContainerOptions
  readonly step: BootStep
  readonly signal: AbortSignal
}

/** Pulls the image, makes and starts the container; `ready` waits for the daemon in it. */
export async function createContainer(
  creation: ContainerCreation,
  ready: () => Promise<void>,
): Promise<void> {
  const { api, name, settings, step, signal } = creation
  await findImage(creation)
  await step.part(`creating container ${name}`, async () => {
    const gha = settings.provenanceAddGha ? githubContext(creation.env) : undefined
    const files = {
      ...creation.files,
      ...(gha === undefined ? {} : { 'provenance.d/github_actions_context.json': gha }),
    }
    const made = await api.call('/containers/create', {
      method: 'POST',
      query: { name },
      body: { json: await containerConfig(creation) },
      signal,
      accept: [409],
    })
    made.body.resume()
    // Somebody else has just made it: what is left is to wait for it.
    if (made.status !== 409) {
      await api.call(`/containers/${name}/archive`, {
        method: 'PUT',
        query: { path: '/etc', noOverwriteDirNonDir: 'true' },
        headers: { 'content-type': 'application/x-tar' },
        body: configArchive('buildkit', files),
        signal,
      })
      await api.call(`/containers/${name}/start`, { method: 'POST', signal })
    }
    await ready()
  })
}

/** Pulls the image; where that fails, one that the daemon has already will do. */
async function findImage({ api, settings, step, signal, ...options }: ContainerCreation): Promise<void> {
  const { image } = settings
  let found: unknown
  let pullError: unknown
  try {
    await step.part(`pulling image ${image}`, () => pull(api, image, options, signal))
  } catch (error) {
    if (signal.aborted) throw error
    pullError = error
  }
  try {
    found = await api.json(`/images/${image}/json`, { signal })
  } catch (error) {
    if (isSlipwayError(error) && error.code !== 'not-found') throw error
    throw pullError ?? error
  }
  checkTrust(found, settings, options.env)
  if (pullError !== undefined) await step.part(`using local image ${image}`, async () => undefined)
}

/**
 * Refuses what the user wants checked (BUILDX_DEFAULT_POLICY) and we cannot: signatures of BuildKit's own images, where
 * the daemon tells what it pulled. Source: buildx v0.36.1 driver/docker-container/driver.go
 */
function checkTrust(found: unknown, settings: ContainerOptions, env: DriverOptions['env']): void {
  if (settings.allowUntrustedImage || tryParseBool(env['BUILDX_DEFAULT_POLICY'] ?? '') !== true) return
  const { domain, path, tag, digest } = parseReference(settings.image)
  if (`${domain}/${path}` !== 'docker.io/moby/buildkit') return
  if (digest !== undefined && tag === undefined) return
  const isDescribed =
    typeof found === 'object' && found !== null && 'Descriptor' in found && Boolean(found.Descriptor)
  if (!isDescribed) return
  throw new SlipwayError(
    'unimplemented',
    `failed to verify image ${settings.image}: signatures of images cannot be checked here`,
    {
      hint: 'pin the image by its digest, pass --driver-opt allow-untrusted-image=true, or unset BUILDX_DEFAULT_POLICY',
    },
  )
}

async function pull(
  api: DockerApi,
  image: string,
  options: Pick<DriverOptions, 'contexts' | 'env'>,
  signal: AbortSignal,
): Promise<void> {
  const { domain, path, tag, digest } = withDefaultTag(parseReference(image))
  const auth = await registryAuth(domain, options, signal)
  const { body } = await api.call('/images/create', {
    method: 'POST',
    query: { fromImage: `${domain}/${path}`, tag: digest ?? tag },
    headers: auth === undefined ? {} : { 'x-registry-auth': auth },
    signal,
  })
  await readMessages(body, () => {})
}

async function containerConfig(creation: ContainerCreation): Promise<object> {
  const { api, name, settings, signal } = creation
  const { flags, files } = creation
  const config = 'buildkitd.toml' in files ? ['--config', '/etc/buildkit/buildkitd.toml'] : []
  const info = await daemonInfo(api, signal)
  const { network, memory, memorySwap, cpuQuota, cpuPeriod, cpuShares, cpusetCpus, cpusetMems } = settings
  const hostConfig = {
    Privileged: true,
    Init: true,
    RestartPolicy: {
      Name: settings.restartPolicy.name,
      MaximumRetryCount: settings.restartPolicy.maximumRetryCount,
    },
    Mounts: [
      { Type: 'volume', Source: `${name}_state`, Target: '/var/lib/buildkit' },
      ...wslMounts(creation),
    ],
    NetworkMode: network,
    Memory: memory,
    MemorySwap: memorySwap,
    CpuQuota: cpuQuota,
    CpuPeriod: cpuPeriod,
    CpuShares: cpuShares,
    CpusetCpus: cpusetCpus,
    CpusetMems: cpusetMems,
    CgroupParent: info.cgroupfs ? (settings.cgroupParent ?? '/docker/buildx') : undefined,
    UsernsMode: info.remapsUsers ? 'host' : undefined,
    DeviceRequests: (await hasGpus(api, settings.image, info, signal)) ? [allGpus] : undefined,
  }
  return { Image: settings.image, Env: settings.env, Cmd: [...config, ...flags], HostConfig: hostConfig }
}

const allGpus = { Driver: '', Count: -1, DeviceIDs: null, Capabilities: [['gpu']], Options: {} }

interface DaemonInfo {
  readonly cgroupfs: boolean
  readonly remapsUsers: boolean
}

/** What decides about the container; a daemon that does not say is taken for a plain one. */
async function daemonInfo(api: DockerApi, signal: AbortSignal): Promise<DaemonInfo> {
  const info = (await api.json('/info', { signal }).catch((error: unknown) => {
    if (signal.aborted) throw asSlipwayError(error)
    return undefined
  })) as { readonly CgroupDriver?: string; readonly SecurityOptions?: readonly string[] } | undefined
  return {
    cgroupfs: info?.CgroupDriver === 'cgroupfs',
    remapsUsers: (info?.SecurityOptions ?? []).some(option => option.split(',').includes('name=userns')),
  }
}

/** Whether the daemon can give a container its GPUs: there is no question for that, so one is tried. */
async function hasGpus(
  api: DockerApi,
  image: string,
  _info: DaemonInfo,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const probe = (await api.json('/containers/create', {
      method: 'POST',
      body: {
        json: {
          Image: image,
          Entrypoint: ['/bin/true'],
          HostConfig: { NetworkMode: 'none', AutoRemove: true, DeviceRequests: [allGpus] },
        },
      },
      signal,
    })) as { readonly Id?: string } | undefined
    const id = probe?.Id ?? ''
    try {
      await api.call(`/containers/${id}/start`, { method: 'POST', signal })
      return true
    } catch {
      // A container that never started does not remove itself.
      await api.call(`/containers/${id}`, {
        method: 'DELETE',
        query: { force: '1' },
        signal,
        accept: [404, 409],
      })
      return false
    }
  } catch {
    return false
  }
}

/** WSL's libraries, which CDI specifications of its GPUs refer to. */
function wslMounts({ env, api }: ContainerCreation): readonly object[] {
  if ((env['WSL_DISTRO_NAME'] ?? '') === '' || !api.host.startsWith('unix://')) return []
  if (statSync('/usr/lib/wsl', { throwIfNoEntry: false })?.isDirectory() !== true) return []
  return [{ Type: 'bind', Source: '/usr/lib/wsl', Target: '/usr/lib/wsl', ReadOnly: true }]
}
