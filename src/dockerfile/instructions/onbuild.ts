import type { Node } from '../parser/node.ts'
import { atLeastOne, invalid } from './argument-error.ts'
import { parseFlags } from './flags.ts'
import { baseOf, type InstructionBase } from './instruction.ts'

/** ONBUILD: an instruction for the images that build on this one. */
export interface OnbuildInstruction extends InstructionBase {
  readonly kind: 'onbuild'
  /** The inner instruction as text, here-documents included. */
  readonly trigger: string
}

/** Reads ONBUILD. Throws `invalid-argument`. */
export function parseOnbuild(node: Node): OnbuildInstruction {
  const [first] = node.args
  if (first === undefined) throw atLeastOne('ONBUILD')
  parseFlags(node.flags, {})
  const keyword = first.toUpperCase()
  if (keyword === 'ONBUILD') throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
  if (keyword === 'MAINTAINER' || keyword === 'FROM') {
    throw invalid(`${keyword} isn't allowed as an ONBUILD trigger`)
  }
  const code = node.original.replace(/^[\t\n\f\r ]*ONBUILD[\t\n\f\r ]*/i, '')
  const documents = node.heredocs.map(doc => `\n${doc.content}${doc.name}`)
  return { ...baseOf(node), kind: 'onbuild', trigger: code + documents.join('') }
}
