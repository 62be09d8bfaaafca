import type { NameValue, Node } from '../parser/node.ts'
import { atLeastOne, blankName } from './argument-error.ts'
import { parseFlags } from './flags.ts'
import { baseOf, descriptionOf, type InstructionBase } from './instruction.ts'

/** ENV: variables of later steps and of containers. */
export interface EnvInstruction extends InstructionBase {
  readonly kind: 'env'
  readonly pairs: readonly NameValue[]
}

/** LABEL: metadata of the image. */
export interface LabelInstruction extends InstructionBase {
  readonly kind: 'label'
  readonly pairs: readonly NameValue[]
}

/** One variable of ARG. */
export interface ArgDefinition {
  readonly name: string
  /** The default; undefined where there is none. */
  readonly value: string | undefined
  /** From the comment above. */
  readonly description: string
}

/** ARG: a variable that the one who builds may set. */
export interface ArgInstruction extends InstructionBase {
  readonly kind: 'arg'
  readonly args: readonly ArgDefinition[]
}

/** Reads ENV. Throws `invalid-argument`. */
export function parseEnv(node: Node): EnvInstruction {
  return { ...baseOf(node), kind: 'env', pairs: readPairs(node, 'ENV') }
}

/** Reads LABEL. Throws `invalid-argument`. */
export function parseLabel(node: Node): LabelInstruction {
  return { ...baseOf(node), kind: 'label', pairs: readPairs(node, 'LABEL') }
}

/** Reads ARG. Throws `invalid-argument`. */
export function parseArg(node: Node): ArgInstruction {
  if (node.args.length === 0) throw atLeastOne('ARG')
  const args = node.args.map(word => {
    const at = word.indexOf('=')
    if (at === 0) throw blankName('ARG')
    const name = at < 0 ? word : word.slice(0, at)
    return {
      name,
      value: at < 0 ? undefined : word.slice(at + 1),
      description: descriptionOf(node.comments, name),
    }
  })
  return { ...baseOf(node), kind: 'arg', args }
}

function readPairs(node: Node, keyword: string): readonly NameValue[] {
  parseFlags(node.flags, {})
  const pairs = node.pairs ?? []
  if (pairs.length === 0) throw atLeastOne(keyword)
  if (pairs.some(pair => pair.name === '')) throw blankName(keyword)
  return pairs
}
