import type { Node } from '../parser/node.ts'
import { trimSpace } from '../parser/white-space.ts'
import { atLeastOne, exactlyOne, invalid } from './argument-error.ts'
import { parseFlags } from './flags.ts'
import { baseOf, type InstructionBase } from './instruction.ts'

/** Instructions with one text: the rest of the line. */
export interface TextInstruction extends InstructionBase {
  readonly kind: 'maintainer' | 'stopsignal' | 'user' | 'workdir'
  readonly text: string
}

/** Instructions with a list of texts. */
export interface ListInstruction extends InstructionBase {
  readonly kind: 'expose' | 'volume'
  readonly items: readonly string[]
}

/** Reads MAINTAINER, STOPSIGNAL, USER or WORKDIR. Throws `invalid-argument`. */
export function parseText(node: Node, kind: TextInstruction['kind']): TextInstruction {
  const [text] = node.args
  if (text === undefined || node.args.length !== 1) throw exactlyOne(kind.toUpperCase())
  if (kind !== 'stopsignal') parseFlags(node.flags, {})
  return { ...baseOf(node), kind, text }
}

/** Reads EXPOSE; ports are sorted as texts. Throws `invalid-argument`. */
export function parseExpose(node: Node): ListInstruction {
  if (node.args.length === 0) throw atLeastOne('EXPOSE')
  parseFlags(node.flags, {})
  return { ...baseOf(node), kind: 'expose', items: node.args.toSorted(byBytes) }
}

/** Reads VOLUME. Throws `invalid-argument`. */
export function parseVolume(node: Node): ListInstruction {
  if (node.args.length === 0) throw atLeastOne('VOLUME')
  parseFlags(node.flags, {})
  const items = node.args.map(trimSpace)
  if (items.includes('')) throw invalid('VOLUME specified can not be an empty string')
  return { ...baseOf(node), kind: 'volume', items }
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
