import { randomBytes } from 'node:crypto'
import type { Executor, ProcessStdio } from '../executor/executor.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { chainIds } from '../oci/chain-id.ts'
import type { Platform } from '../oci/descriptor.ts'
import { findAccount } from '../ops/account.ts'
import { stackRef } from '../ops/stack-trees.ts'
import type { RefLayer } from '../snapshot/ref.ts'
import type { EngineServices } from './services.ts'
import { type PlatformImage, platformImage, readImage, type FoundImage } from './stored-image.ts'

/** How an image is tried. */
export interface RunOptions {
  readonly platform: Platform
  /** In place of the image's own command. */
  readonly command: readonly string[]
  /** `NAME=value`, on top of the image's. */
  readonly env: readonly string[]
  readonly network: 'host' | 'none'
  readonly signal: AbortSignal
}

/** Runs an image of the local store in a throw-away container; answers the exit code. */
export async function runImage(
  found: FoundImage,
  options: RunOptions,
  services: EngineServices & { readonly executor: Executor },
  stdio: ProcessStdio,
): Promise<number> {
  const image = await platformImage(
    await readImage(found.descriptor, services.content),
    options.platform,
    services.content,
  )
  const { trees } = services
  const ids = await trees.stack({ kind: 'stack', layers: storedLayers(image) }, options.signal)
  await using active = await trees.prepare(stackRef(ids), {
    description: `run ${found.name}`,
    signal: options.signal,
  })
  using tree = await trees.view(stackRef(ids), options.signal)
  const { config } = image.config
  const args = [
    ...(config.Entrypoint ?? []),
    ...(options.command.length > 0 ? options.command : (config.Cmd ?? [])),
  ]
  if (args.length === 0)
    throw new SlipwayError('invalid-argument', `${found.name} has no command: give one behind the image`)
  const account = findAccount(tree, config.User ?? '')
  const env = [...(config.Env ?? []), ...options.env]
  if (!env.some(one => one.startsWith('PATH=')))
    env.push('PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
  if (!env.some(one => one.startsWith('HOME='))) env.push(`HOME=${account.home}`)
  const status = await services.executor.run(
    {
      id: `r${randomBytes(12).toString('hex')}`,
      root: { kind: 'overlay', lowers: trees.directories(ids), upper: active.upper, work: active.work },
      readonlyRoot: false,
      mounts: [],
      process: { args, env, cwd: config.WorkingDir || '/', user: account },
      platform: options.platform,
      network: options.network,
      security: 'sandbox',
      extraHosts: [],
      ulimits: [],
    },
    stdio,
    options.signal,
  )
  return status.code
}

/** The layers of an image whose blobs are all in the content store. */
function storedLayers(image: PlatformImage): readonly RefLayer[] {
  const diffIds = image.config.rootfs.diff_ids
  const chain = chainIds(diffIds)
  return image.manifest.layers.map((layer, i): RefLayer => {
    const diffId = diffIds[i]
    const chainId = chain[i]
    if (diffId === undefined || chainId === undefined)
      throw new SlipwayError('data-loss', 'an image has more layers than diff IDs')
    return {
      kind: 'lazy',
      lazy: { descriptor: layer.descriptor, diffId, chainId, fetch: async () => undefined },
    }
  })
}
