import type { FileAction, Op } from '../proto/gen/ops_pb.ts'
import type { Edge } from '../solver/vertex.ts'

/** What a step is called when its definition gives it no name. Texts: buildkit v0.32.2 solver/llbsolver/vertex.go. */
export function operationName(op: Op, inputs: readonly Edge[]): string {
  const { op: one } = op
  switch (one.case) {
    case 'source':
      return one.value.identifier
    case 'exec':
      return (one.value.meta?.args ?? []).join(' ')
    case 'file':
      return one.value.actions.map(actionName).join(', ')
    case 'build':
      return 'build'
    case 'merge':
      return `merge (${inputs.map(input => input.vertex.name).join(', ')})`
    case 'diff': {
      const nameOf = (index: bigint | undefined): string =>
        index === undefined || index === -1n ? 'scratch' : (inputs[Number(index)]?.vertex.name ?? 'scratch')
      return `diff (${nameOf(one.value.lower?.input)} -> ${nameOf(one.value.upper?.input)})`
    }
    case 'passthrough':
      return inputs[0]?.vertex.name ?? 'passthrough'
    case undefined:
      return 'unknown'
    default:
      return one satisfies never
  }
}

function actionName(action: FileAction): string {
  const { action: one } = action
  switch (one.case) {
    case 'copy':
      return `copy ${one.value.src} ${one.value.dest}`
    case 'mkfile':
      return `mkfile ${one.value.path}`
    case 'mkdir':
      return `mkdir ${one.value.path}`
    case 'rm':
      return `rm ${one.value.path}`
    case 'symlink':
      return `symlink ${one.value.newpath} -> ${one.value.oldpath}`
    case undefined:
      return 'nothing'
    default:
      return one satisfies never
  }
}
