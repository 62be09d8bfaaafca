import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Block } from '../../hcl/body.ts'
import type { Diagnostics } from '../../hcl/diagnostic.ts'
import { childContext, type EvalContext } from '../../hcl/eval/context.ts'
import { evaluate } from '../../hcl/eval/evaluate.ts'
import { keywordOf, staticMap } from '../../hcl/eval/static.ts'
import type { Expression } from '../../hcl/expression.ts'
import { asArray, asMap, canIterate, type Value } from '../../hcl/value/value.ts'

/** The most targets that one matrix may make. */
export const maxMatrixSize = 10_000

/** The scopes a `target` block is evaluated in: one for each combination of its matrix, or just the outer one. */
export function matrixContexts(
  block: Block,
  matrix: Expression | undefined,
  outer: EvalContext,
  diagnostics: Diagnostics,
): readonly EvalContext[] {
  if (matrix === undefined) return [outer]
  const before = diagnostics.length
  const value = evaluate(matrix, outer, diagnostics)
  if (diagnostics.length > before) return []
  if ((value.type.kind !== 'map' && value.type.kind !== 'object') || !canIterate(value))
    throw invalid('matrix must be a map')
  let scopes: Map<string, Value>[] = [new Map()]
  for (const [key, values] of inSourceOrder(matrix, asMap(value))) {
    if (!canIterate(values)) throw invalid('matrix values must be a list')
    const choices = values.content instanceof Map ? [...asMap(values).values()] : asArray(values)
    const size = scopes.length * choices.length
    if (size > maxMatrixSize) {
      throw invalid(
        `matrix of target ${JSON.stringify(block.labels[0])} makes more than ${maxMatrixSize} targets`,
      )
    }
    scopes = choices.flatMap(choice => scopes.map(scope => new Map(scope).set(key, choice)))
  }
  return scopes.map(variables => childContext(outer, variables))
}

/** The entries in the order they were written, where that can be seen. */
function inSourceOrder(matrix: Expression, entries: ReadonlyMap<string, Value>): [string, Value][] {
  const written = (staticMap(matrix) ?? []).map(item => keywordOf(item.key))
  const place = (key: string): number => (written.includes(key) ? written.indexOf(key) : written.length)
  return [...entries].sort((a, b) => place(a[0]) - place(b[0]))
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
