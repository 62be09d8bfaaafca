import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Bridge } from '../buildkit/client/drive-build.ts'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { Result } from '../proto/gen/gateway_pb.ts'
import { type ExecOp, type MountSchema, MountType, NetMode } from '../proto/gen/ops_pb.ts'
import type { InvokeConfig } from './invoke-config.ts'

/** A build that waits to be looked at: its trees are there, or a step has failed. */
export interface StoppedBuild {
  readonly bridge: Bridge
  readonly result: Result
  /** What its evaluation threw. */
  readonly error: unknown
}

/** What a container of a stopped build is made of. */
export interface StepTrees {
  readonly mounts: MessageInitShape<typeof MountSchema>[]
  readonly network: NetMode
}

/** What runs in a container of a stopped build. */
export interface StepWords {
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly user: string
  readonly cwd: string
}

/** The trees of the failed step, else those of the result (of its first platform). Throws where there are none. */
export function stepTrees(build: StoppedBuild, config: InvokeConfig): StepTrees {
  return build.error === undefined ? resultTrees(build.result, config) : failedTrees(build.error, config)
}

/** What to run: words of the configuration, the rest as the failed step or the image says. */
export function stepWords(build: StoppedBuild, config: InvokeConfig): StepWords {
  const { entrypoint = [], cmd, env, user, cwd } = config
  if (build.error !== undefined) {
    const { meta } = failedStep(build.error).exec
    const args = [...entrypoint, ...(cmd ?? [])]
    return {
      args: args.length === 0 ? (meta?.args ?? []) : args,
      env: [...(meta?.env ?? []), ...env],
      user: user ?? meta?.user ?? '',
      cwd: cwd ?? meta?.cwd ?? '',
    }
  }
  const image = imageConfig(build.result)
  return {
    args: [...(config.entrypoint ?? image.Entrypoint ?? []), ...(cmd ?? image.Cmd ?? [])],
    env: [...(image.Env ?? []), ...env],
    user: user ?? image.User ?? '',
    cwd: cwd ?? image.WorkingDir ?? '',
  }
}

function resultTrees(result: Result, config: InvokeConfig): StepTrees {
  if (config.initial === true) {
    throw new SlipwayError(
      'invalid-argument',
      'starting from the container from the initial state of the step is supported only on the failed steps',
    )
  }
  const { case: kind, value } = result.result
  const ref = kind === 'ref' ? value : kind === 'refs' ? value.refs[firstPlatform(result)] : undefined
  if (ref === undefined) throw new SlipwayError('not-found', 'the result has no files')
  return { mounts: [{ dest: '/', mountType: MountType.BIND, resultID: ref.id }], network: NetMode.UNSET }
}

function failedTrees(error: unknown, { initial }: InvokeConfig): StepTrees {
  const { exec, inputIDs, mountIDs } = failedStep(error)
  const ids = initial === true ? inputIDs : mountIDs
  if (ids.length < exec.mounts.length) {
    throw new SlipwayError(
      'failed-precondition',
      `cannot start debug container: failing step has no mount results available (got ${ids.length} of ${exec.mounts.length})`,
    )
  }
  const mounts = exec.mounts.map((mount, at) => {
    const { selector, dest, readonly, mountType, cacheOpt, secretOpt, SSHOpt } = mount
    return {
      ...{ selector, dest, readonly, mountType, resultID: ids[at] ?? '' },
      ...(cacheOpt === undefined ? {} : { cacheOpt }),
      ...(secretOpt === undefined ? {} : { secretOpt }),
      ...(SSHOpt === undefined ? {} : { SSHOpt }),
    }
  })
  return { mounts, network: exec.network }
}

/** The step that `errdefs.Solve` describes. */
interface FailedStep {
  readonly inputIDs: readonly string[]
  readonly mountIDs: readonly string[]
  readonly exec: ExecOp
}

function failedStep(error: unknown): FailedStep {
  const detail = asSlipwayError(error).details.findLast(one => one.type === 'errdefs.Solve')
  if (detail === undefined) throw new SlipwayError('not-found', 'no error is available')
  const { op, inputIDs, mountIDs } = detail as unknown as {
    readonly op?: { readonly op: { readonly case?: string; readonly value?: unknown } }
  } & FailedStep
  if (op?.op.case !== 'exec') throw new SlipwayError('unimplemented', 'invoke: unsupported error type')
  return { inputIDs, mountIDs, exec: op.op.value as ExecOp }
}

interface ImageConfig {
  readonly Entrypoint?: readonly string[] | null
  readonly Cmd?: readonly string[] | null
  readonly Env?: readonly string[] | null
  readonly User?: string
  readonly WorkingDir?: string
}

function imageConfig(result: Result): ImageConfig {
  const key = 'containerimage.config'
  const bytes = result.metadata[key] ?? result.metadata[`${key}/${firstPlatform(result)}`]
  if (bytes === undefined) return {}
  const { config } = jsonOf(bytes) as { readonly config?: ImageConfig }
  return config ?? {}
}

/** The id of the first platform that the frontend names. */
function firstPlatform(result: Result): string {
  const bytes = result.metadata['refs.platforms']
  if (bytes === undefined) return ''
  const { Platforms } = jsonOf(bytes) as { readonly Platforms?: readonly { readonly ID: string }[] }
  return Platforms?.[0]?.ID ?? ''
}

const jsonOf = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString('utf8'))
