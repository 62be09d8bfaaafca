import type { Ref } from '../snapshot/ref.ts'
import type { Result } from '../solver/result.ts'

/** The tree in a result. Every op of this folder makes and takes trees. */
export function refOf(result: Result): Ref {
  return result.value as Ref
}

/** A tree as a result. */
export function resultOf(ref: Ref): Result {
  return { value: ref }
}
