import { capability } from './capability.ts'
import type { OpOptions } from './options.ts'
import { type State, scratch } from './state.ts'
import { outputOf } from './vertex.ts'

/** States laid over each other, lowest first. Empty ones do not count; a single one is itself. */
export function merge(states: readonly State[], options: OpOptions = {}): State {
  const filled = states.filter(state => state.output !== undefined)
  const [first] = filled
  if (first === undefined) return scratch
  if (filled.length === 1) return first
  const inputs = filled.map(state => state.output).filter(output => output !== undefined)
  const metadata = { ...options, capabilities: [capability.merge] }
  return { ...first, output: outputOf({ kind: 'merge', inputs, metadata }) }
}

/** What turns `lower` into `upper`. */
export function diff(lower: State, upper: State, options: OpOptions = {}): State {
  if (lower.output === undefined) return upper.output === undefined ? scratch : upper
  const metadata = { ...options, capabilities: [capability.diff] }
  return { ...lower, output: outputOf({ kind: 'diff', lower: lower.output, upper: upper.output, metadata }) }
}
