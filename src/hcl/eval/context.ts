import type { HclFunction } from '../function.ts'
import type { Budget } from '../value/limit.ts'
import type { Value } from '../value/value.ts'

/** Names that expressions may use. Scopes form a chain; the innermost one that has a name gives its meaning. */
export interface EvalContext {
  /** Absent where a scope defines no variables at all (as opposed to none so far). */
  readonly variables?: Map<string, Value>
  readonly functions?: Map<string, HclFunction>
  readonly parent?: EvalContext
  /** The element a splat is looking at. */
  readonly item?: Value
  readonly budget: Budget
}

/** A scope within `parent` with variables of its own. */
export function childContext(parent: EvalContext, variables: Map<string, Value>): EvalContext {
  return { parent, variables, budget: parent.budget }
}

/** The value of a variable in the scope or the ones around it. */
export function findVariable(context: EvalContext | undefined, name: string): Value | undefined {
  for (let c = context; c !== undefined; c = c.parent) {
    const value = c.variables?.get(name)
    if (value !== undefined) return value
  }
  return undefined
}

/** The function of a name in the scope or the ones around it. */
export function findFunction(context: EvalContext | undefined, name: string): HclFunction | undefined {
  for (let c = context; c !== undefined; c = c.parent) {
    const f = c.functions?.get(name)
    if (f !== undefined) return f
  }
  return undefined
}

/** The names of all variables that can be seen from the scope, inner ones first, each scope's sorted. */
export function variableNames(context: EvalContext | undefined): string[] {
  const names: string[] = []
  for (let c = context; c !== undefined; c = c.parent)
    for (const name of [...(c.variables?.keys() ?? [])].sort()) names.push(name)
  return names
}
