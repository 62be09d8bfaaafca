import { SlipwayError } from '../errors/slipway-error.ts'
import type { ChownOpt, ExecOp, FileAction, FileOp, Op } from '../proto/gen/ops_pb.ts'

/** How many outputs an op has. */
export function outputCount(op: Op): number {
  switch (op.op.case) {
    case 'exec':
      return op.op.value.mounts.reduce((count, mount) => Math.max(count, Number(mount.output) + 1), 0)
    case 'file':
      return op.op.value.actions.reduce((count, action) => Math.max(count, Number(action.output) + 1), 0)
    case 'passthrough':
      return op.op.value.outputs.length
    default:
      return 1
  }
}

/** Checks that an op is whole and that its numbers lie within its own lists. Throws `invalid-argument`. */
export function checkOp({ op, inputs }: Op): void {
  const count = inputs.length
  switch (op.case) {
    case undefined:
      throw invalid('invalid nil op')
    case 'source':
      if (op.value.identifier === '') throw invalid("source identifier can't be empty")
      return
    case 'exec':
      return checkExec(op.value, count)
    case 'file':
      return checkFile(op.value, count)
    case 'merge':
      for (const { input } of op.value.inputs) checkIndex(input, count, 'merge input')
      return
    case 'diff': {
      const { lower, upper } = op.value
      if (lower === undefined || upper === undefined) {
        throw invalid('invalid diff op with nil lower or upper input')
      }
      checkIndex(lower.input, count, 'diff lower input')
      checkIndex(upper.input, count, 'diff upper input')
      return
    }
    case 'build':
      checkIndex(op.value.builder, count, 'build builder')
      for (const { input } of Object.values(op.value.inputs)) checkIndex(input, count, 'build input')
      return
    case 'passthrough':
      if (op.value.id === '') throw invalid('invalid passthrough op with no id')
      if (op.value.outputs.length === 0) throw invalid('invalid passthrough op with no outputs')
      for (const input of op.value.outputs) {
        if (input < 0n || input >= BigInt(count))
          throw invalid(`invalid passthrough output input index ${input}`)
      }
  }
}

function checkExec(op: ExecOp, count: number): void {
  if (op.meta === undefined) throw invalid('invalid exec op with no meta')
  if (op.meta.args.length === 0) throw invalid('invalid exec op with no args')
  if (op.mounts.length === 0) throw invalid('invalid exec op with no mounts')
  if (!op.mounts.some(mount => mount.dest === '/')) throw invalid('invalid exec op with no rootfs')
  for (const mount of op.mounts) {
    checkIndex(mount.input, count, 'mount input')
    checkIndex(mount.output, op.mounts.length, 'mount output')
  }
}

function checkFile(op: FileOp, count: number): void {
  if (op.actions.length === 0) throw invalid('invalid file op with no actions')
  for (const [i, action] of op.actions.entries()) {
    checkIndex(action.input, count + i, 'file action input')
    checkIndex(action.secondaryInput, count + i, 'file action secondary input')
    checkIndex(action.output, op.actions.length, 'file action output')
    checkOwner(ownerOf(action), count)
    if (action.action.case === undefined) throw invalid('invalid file action with no body')
  }
}

function ownerOf({ action }: FileAction): ChownOpt | undefined {
  return action.case === undefined || action.case === 'rm' ? undefined : action.value.owner
}

function checkOwner(owner: ChownOpt | undefined, count: number): void {
  for (const option of [owner?.user, owner?.group]) {
    if (option?.user.case === 'byName') checkIndex(option.user.value.input, count, 'user')
  }
}

/** -1 stands for nothing. */
function checkIndex(index: bigint, count: number, what: string): void {
  if (index < -1n || index >= BigInt(count)) throw invalid(`invalid ${what} index: ${index}`)
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
