import { SlipwayError } from '../errors/slipway-error.ts'
import { createExecOp, type ExecLimits, type ExecProxy, type ExecServices } from '../ops/exec-op.ts'
import { createFileOp } from '../ops/file-op.ts'
import { createDiffOp, createMergeOp } from '../ops/merge-diff-op.ts'
import { createPassthroughOp } from '../ops/passthrough-op.ts'
import { createSourceOp, type SourceServices } from '../ops/source-op.ts'
import type { LinuxResources, Op as OpMessage } from '../proto/gen/ops_pb.ts'
import type { Op, ResolveOp } from '../solver/op.ts'
import type { VertexBody } from './load-definition.ts'
import { platformOf } from './platform-message.ts'
import { isProxied } from './proxied-steps.ts'

/** Turns the body of a vertex into its work. */
export function createOpResolver(exec: ExecServices, source: SourceServices): ResolveOp {
  return body => {
    const { op, metadata, checkUrl } = body as VertexBody
    const proxy = isProxied(op) ? { checkUrl } : undefined
    return opOf(op, { limits: limitsOf(metadata?.linuxResources), proxy }, exec, source)
  }
}

function opOf(
  message: OpMessage,
  settings: { readonly limits: ExecLimits | undefined; readonly proxy: ExecProxy | undefined },
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
      return createExecOp(one.value, { platform, inputCount, ...settings }, exec)
    case 'file':
      return createFileOp(one.value, inputCount, exec.trees)
    case 'merge':
      return createMergeOp(one.value, inputCount, exec.trees)
    case 'diff':
      return createDiffOp(one.value, inputCount, exec.trees)
    case 'passthrough':
      return createPassthroughOp(one.value, inputCount)
    case 'build':
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
