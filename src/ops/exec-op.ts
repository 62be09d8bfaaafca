import { randomBytes } from 'node:crypto'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { ContainerSpec, Executor, ExitStatus, ProcessStdio } from '../executor/executor.ts'
import { ProxyLog } from '../executor/proxy/proxy-log.ts'
import type { ProxySettings } from '../executor/proxy/proxy-server.ts'
import { quote } from '../gostd/quote.ts'
import type { Platform } from '../oci/descriptor.ts'
import { type ExecOp as ExecOpMessage, NetMode, SecurityMode } from '../proto/gen/ops_pb.ts'
import type { CacheMap, Op, OpContext } from '../solver/op.ts'
import type { Result } from '../solver/result.ts'
import type { Ref } from '../snapshot/ref.ts'
import { bringInputs } from './bring-inputs.ts'
import { findAccount } from './account.ts'
import { cacheDigest } from './cache-digest.ts'
import type { CacheMounts } from './cache-mounts.ts'
import { execCacheMap } from './exec-cache-map.ts'
import { prepareMounts } from './exec-mounts.ts'
import { withFailedTrees } from './failed-step.ts'
import { contentKey, copyOf } from './file-op.ts'
import { checkBefore, explainAfter, type PlatformCheck } from './foreign-steps.ts'
import { isLive, LiveInputs } from './live-inputs.ts'
import { limitLog, type LogLimits } from './log-limit.ts'
import { refOf } from './ref-result.ts'
import type { SecretSource } from './secret-source.ts'
import type { Trees } from './trees.ts'

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What exec ops need of the engine. */
export interface ExecServices extends PlatformCheck {
  readonly trees: Trees
  readonly executor: Executor
  readonly cacheMounts: CacheMounts
  readonly secrets: SecretSource
  readonly hostPlatform: Platform
  /** Told of layers that nobody will want when the builds of now are over. */
  readonly transient: (layer: string) => void
  readonly logLimits: LogLimits
}

/** Limits of one step, not part of its identity. */
export interface ExecLimits {
  readonly memory?: number
  readonly memorySwap?: number
  readonly cpuShares?: number
  readonly cpuPeriod?: number
  readonly cpuQuota?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
}

/** A step that reaches the network through a proxy only. */
export interface ExecProxy {
  /** The URL that is fetched for a URL; throws where none may be. */
  readonly checkUrl: ((url: string) => Promise<string>) | undefined
}

/** Runs a process in a container; each writable mount with an output becomes a layer. */
export function createExecOp(
  message: ExecOpMessage,
  options: {
    readonly platform: Platform | undefined
    readonly inputCount: number
    readonly limits?: ExecLimits | undefined
    readonly proxy?: ExecProxy | undefined
  },
  services: ExecServices,
): Op {
  const platform = options.platform ?? services.hostPlatform
  const live = new LiveInputs()
  const { limits, proxy } = options
  let log: ProxyLog | undefined
  return {
    cacheMaps: async () => [cacheMap(message, platform, options, services.trees, live)],
    prepare: async (inputs, ctx) => {
      checkBefore(platform, services)
      await bringInputs(inputs, services.trees, ctx.signal)
    },
    exec: (inputs, ctx) => {
      log = proxy && new ProxyLog()
      const watched = log && { log, ...(proxy?.checkUrl === undefined ? {} : { check: proxy.checkUrl }) }
      return run(message, { platform, limits, live, proxy: watched }, inputs, services, ctx)
    },
    seen: () => log,
    taken: index => live.taken(index),
  }
}

function cacheMap(
  message: ExecOpMessage,
  platform: Platform,
  { inputCount, proxy }: { readonly inputCount: number; readonly proxy?: ExecProxy | undefined },
  trees: Trees,
  live: LiveInputs,
): CacheMap {
  const { digest, inputs } = execCacheMap(message, platform, inputCount)
  return {
    // What was made while nobody looked is no answer to who wants to have looked.
    digest: proxy === undefined ? digest : cacheDigest(`proxy ${digest}`),
    inputs: inputs.map(({ selector, content }, index) =>
      content === undefined
        ? { selector }
        : {
            selector,
            isLive: (result: Result) => isLive(refOf(result)),
            contentKey: (result: Result, ctx: OpContext) => {
              const ref = refOf(result)
              const compute = (one: Ref): Promise<string> => contentKey(trees, one, content, ctx.signal)
              return live.key(index, ref, compute).catch((e: unknown) => {
                const subject = { case: 'cache', value: { index: BigInt(index) } } as const
                throw withFailedTrees(e, { inputs: [ref], outputs: [], subject })
              })
            },
          },
    ),
  }
}

async function run(
  message: ExecOpMessage,
  {
    platform,
    limits,
    live,
    proxy,
  }: {
    readonly platform: Platform
    readonly limits: ExecLimits | undefined
    readonly live: LiveInputs
    readonly proxy: ProxySettings | undefined
  },
  inputs: readonly Result[],
  services: ExecServices,
  ctx: OpContext,
): Promise<readonly Result[]> {
  const meta = message.meta
  if (meta === undefined || meta.args.length === 0)
    throw new SlipwayError('invalid-argument', 'exec: no arguments')
  checkBefore(platform, services)
  await using mounts = await prepareMounts(message, inputs.map(refOf), services, ctx)
  // Mounts show copies.
  if (await live.changed()) await live.settle(ref => copyOf(ref, services.trees, ctx.signal))
  const env = await environment(message, services.secrets, ctx)
  const container = (): ContainerSpec => {
    const account = findAccount(mounts.rootTree, meta.user)
    return {
      id: `s${randomBytes(12).toString('hex')}`,
      root: mounts.root,
      readonlyRoot: mounts.readonlyRoot,
      mounts: mounts.mounts,
      process: {
        args: meta.args,
        env: withHome(env, account.home),
        cwd: meta.cwd === '' ? '/' : meta.cwd,
        user: account,
      },
      platform,
      network: networkOf(message.network),
      ...(proxy === undefined ? {} : { proxy }),
      security: message.security === SecurityMode.INSECURE ? 'insecure' : 'sandbox',
      extraHosts: meta.extraHosts.map(host => ({ host: host.Host, ip: host.IP })),
      ulimits: meta.ulimit.map(limit => ({
        name: limit.Name,
        soft: Number(limit.Soft),
        hard: Number(limit.Hard),
      })),
      ...(meta.hostname === '' ? {} : { hostname: meta.hostname }),
      ...(meta.cgroupParent === '' ? {} : { cgroupParent: meta.cgroupParent }),
      ...(limits === undefined ? {} : { resources: limits }),
      ...(mounts.shmSize === undefined ? {} : { shmSize: mounts.shmSize }),
      cdiDevices: message.cdiDevices,
    }
  }
  const stdout = limitLog(chunk => ctx.progress.log(1, chunk), services.logLimits)
  const stderr = limitLog(chunk => ctx.progress.log(2, chunk), services.logLimits)
  const output: ProcessStdio = { stdout: stdout.write, stderr: stderr.write }
  const status = await runContainer(container, meta.args, output, services.executor, ctx.signal).finally(
    () => {
      if (proxy !== undefined && proxy.log.text !== '') ctx.progress.log(2, Buffer.from(proxy.log.text))
    },
  )
  try {
    checkExit(explainAfter(status, platform, services), meta.args, meta.validExitCodes)
  } catch (e) {
    stdout.flush()
    stderr.flush()
    const trees = inputs.map(refOf)
    throw withFailedTrees(e, {
      inputs: message.mounts.map(mount => trees[Number(mount.input)]),
      outputs: await mounts.salvage(services.transient),
      subject: { case: undefined },
    })
  }
  return await mounts.commit()
}

/** How the process ended. Throws what keeps it from being run (an unknown user, say), in the same words as a failure of it. */
async function runContainer(
  container: () => ContainerSpec,
  args: readonly string[],
  output: ProcessStdio,
  executor: Executor,
  signal: AbortSignal,
): Promise<ExitStatus> {
  try {
    return await executor.run(container(), output, signal)
  } catch (e) {
    throw signal.aborted ? e : wrapError(incomplete(args), e)
  }
}

const incomplete = (args: readonly string[]): string =>
  `process ${quote(args.join(' '))} did not complete successfully`

/** The network of a container by the mode in its message. */
export function networkOf(mode: NetMode): 'default' | 'host' | 'none' {
  if (mode === NetMode.HOST) return 'host'
  return mode === NetMode.NONE ? 'none' : 'default'
}

function checkExit(status: ExitStatus, args: readonly string[], valid: readonly number[]): void {
  const fine = valid.length === 0 ? status.code === 0 : valid.includes(status.code)
  if (fine) return
  const what = incomplete(args)
  if (status.oomKilled) {
    throw new SlipwayError('resource-exhausted', `${what}: cannot allocate memory`, {
      hint: 'the kernel ended the step for want of memory: give it more, or run fewer steps at the same time',
    })
  }
  throw new SlipwayError('unknown', `${what}: exit code: ${status.code}`, {
    details: [{ type: 'slipway.Exit', code: status.code }],
    ...(status.hint === undefined ? {} : { hint: status.hint }),
  })
}

async function environment(
  message: ExecOpMessage,
  secrets: SecretSource,
  ctx: OpContext,
): Promise<readonly string[]> {
  const { meta } = message
  const env = [...(meta?.env ?? [])]
  const proxy = meta?.proxyEnv
  if (proxy) {
    const values: readonly (readonly [string, string])[] = [
      ['HTTP_PROXY', proxy.httpProxy],
      ['HTTPS_PROXY', proxy.httpsProxy],
      ['FTP_PROXY', proxy.ftpProxy],
      ['NO_PROXY', proxy.noProxy],
      ['ALL_PROXY', proxy.allProxy],
    ]
    for (const [name, value] of values)
      if (value !== '') env.push(`${name}=${value}`, `${name.toLowerCase()}=${value}`)
  }
  if (!env.some(one => one.startsWith('PATH='))) env.push(defaultPath)
  for (const secret of message.secretenv) {
    const data = await secrets.get(secret.ID, ctx)
    if (data !== undefined) env.push(`${secret.name}=${Buffer.from(data).toString('utf8')}`)
    else if (!secret.optional) throw new SlipwayError('not-found', `secret ${secret.ID}: not found`)
  }
  return env
}

const withHome = (env: readonly string[], home: string): readonly string[] =>
  env.some(one => one.startsWith('HOME=')) ? env : [...env, `HOME=${home}`]
