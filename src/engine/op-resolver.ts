import { SlipwayError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import { normalizePlatform } from '../oci/platform.ts'
import { createExecOp, type ExecLimits, type ExecServices } from '../ops/exec-op.ts'
import { createFileOp } from '../ops/file-op.ts'
import { createDiffOp, createMergeOp } from '../ops/merge-diff-op.ts'
import { createSourceOp, type SourceServices } from '../ops/source-op.ts'
import type { LinuxResources, Op as OpMessage, Platform as PlatformMessage } from '../proto/gen/ops_pb.ts'
import type { Op, ResolveOp } from '../solver/op.ts'
import type { VertexBody } from './load-definition.ts'

/** A platform as LLB spells it; undefined where the operation has none. */
export function platformOf(message: PlatformMessage | undefined): Platform | undefined {
  if (message === undefined || (message.OS === '' && message.Architecture === '')) return undefined
  return normalizePlatform({
    os: message.OS,
    architecture: message.Architecture,
    ...(message.Variant === '' ? {} : { variant: message.Variant }),
    ...(message.OSVersion === '' ? {} : { 'os.version': message.OSVersion }),
    ...(message.OSFeatures.length === 0 ? {} : { 'os.features': message.OSFeatures }),
  })
}

/** Turns the body of a vertex into its work. */
export function createOpResolver(exec: ExecServices, source: SourceServices): ResolveOp {
  return body => {
    const { op, metadata } = body as VertexBody
    return opOf(op, limitsOf(metadata?.linuxResources), exec, source)
  }
}

function opOf(
  message: OpMessage,
  limits: ExecLimits | undefined,
  exec: ExecServices,
  source: SourceServices,
): Op {
  const inputCount = message.inputs.length
  const platform = platformOf(message.platform)
  const { op: one } = message
  switch (one.case) {
    case 'source':
      return createSourceOp(one.value, platform ?? exec.hostPlatform, source)
    case 'exec':
      return createExecOp(
        one.value,
        { platform, inputCount, ...(limits === undefined ? {} : { limits }) },
        exec,
      )
    case 'file':
      return createFileOp(one.value, inputCount, exec.trees)
    case 'merge':
      return createMergeOp(one.value, inputCount, exec.trees)
    case 'diff':
      return createDiffOp(one.value, inputCount, exec.trees)
    case 'build':
    case 'passthrough':
    case undefined:
      throw new SlipwayError('unimplemented', `could not resolve operation ${one.case ?? 'of unknown kind'}`)
    default:
      return one satisfies never
  }
}

function limitsOf(message: LinuxResources | undefined): ExecLimits | undefined {
  if (message === undefined) return undefined
  const { memory, memorySwap, cpuShares, cpuPeriod, cpuQuota, cpusetCpus, cpusetMems } = message
  return {
    ...(memory === 0n ? {} : { memory: Number(memory) }),
    ...(memorySwap === 0n ? {} : { memorySwap: Number(memorySwap) }),
    ...(cpuShares === 0n ? {} : { cpuShares: Number(cpuShares) }),
    ...(cpuPeriod === 0n ? {} : { cpuPeriod: Number(cpuPeriod) }),
    ...(cpuQuota === 0n ? {} : { cpuQuota: Number(cpuQuota) }),
    ...(cpusetCpus === '' ? {} : { cpusetCpus }),
    ...(cpusetMems === '' ? {} : { cpusetMems }),
  }
}
