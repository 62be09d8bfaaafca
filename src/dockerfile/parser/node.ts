import type { Range } from '../../errors/source-range.ts'
import { lineRanges } from './location.ts'

/** A here-document attached to an instruction. Source: https://github.com/moby/buildkit/blob/v0.32.2/frontend/dockerfile/docs/reference.md#here-documents */
export interface Heredoc {
  /** The word after `<<`, without quotes: the terminator, and the file name for COPY and ADD. */
  readonly name: string
  /** False where the word was quoted. */
  readonly expand: boolean
  /** `<<-`: leading tabs go away. */
  readonly chomp: boolean
  readonly fileDescriptor: number
  /** The lines between, with their line endings. */
  readonly content: string
}

/** One `name=value`; `legacy` for the form with a blank in between. */
export interface NameValue {
  readonly name: string
  readonly value: string
  readonly legacy: boolean
}

/** One instruction as written: split into words, not yet understood. */
export interface Node {
  /** The keyword as written. */
  readonly keyword: string
  /** The leading `--name=value` words, quotes and escapes resolved. */
  readonly flags: readonly string[]
  /** The words after the flags; of ONBUILD, keyword and words of the inner instruction. */
  readonly args: readonly string[]
  /** The pairs of ENV and LABEL. */
  readonly pairs?: readonly NameValue[]
  /** Written as a JSON array. */
  readonly json: boolean
  /** The instruction inside ONBUILD. */
  readonly inner?: Node
  readonly heredocs: readonly Heredoc[]
  /** The joined line. */
  readonly original: string
  readonly startLine: number
  readonly endLine: number
  /** Text of the comment lines directly above. */
  readonly comments: readonly string[]
}

/** The lines that a node covers. */
export function nodeRanges(node: Node): Range[] {
  return lineRanges(node.startLine, node.endLine)
}
