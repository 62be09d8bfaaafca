import type { Node } from '../parser/node.ts'
import { atLeastOne, invalid } from './argument-error.ts'
import { parseFlags } from './flags.ts'
import { baseOf, type InstructionBase } from './instruction.ts'

/** CMD, ENTRYPOINT and SHELL. */
export interface CommandInstruction extends InstructionBase {
  readonly kind: 'cmd' | 'entrypoint' | 'shell'
  /** The words of the JSON form, or the one text of the shell form. */
  readonly words: readonly string[]
  /** Shell form: the shell is to be put in front. */
  readonly inShell: boolean
}

/** Reads CMD or ENTRYPOINT. Throws `invalid-argument`. */
export function parseCommand(node: Node, kind: 'cmd' | 'entrypoint'): CommandInstruction {
  parseFlags(node.flags, {})
  return { ...baseOf(node), kind, words: commandWords(node.args, node.json), inShell: !node.json }
}

/** Reads SHELL, which has a JSON form only. Throws `invalid-argument`. */
export function parseShell(node: Node): CommandInstruction {
  parseFlags(node.flags, {})
  if (node.args.length === 0) throw atLeastOne('SHELL')
  if (!node.json) throw invalid('SHELL requires the arguments to be in JSON form')
  return { ...baseOf(node), kind: 'shell', words: node.args, inShell: false }
}

/** The words of a JSON form as they are; of a shell form, joined to one. */
export function commandWords(args: readonly string[], json: boolean): readonly string[] {
  if (args.length === 0 || json) return args
  return [args.join(' ')]
}
