import type { Range } from '../../errors/source-range.ts'
import type { Heredoc, Node } from '../parser/node.ts'
import { nodeRanges } from '../parser/node.ts'
import { trimSpace } from '../parser/white-space.ts'
import type { CommandInstruction } from './command.ts'
import type { AddInstruction, CopyInstruction } from './copy.ts'
import type { HealthcheckInstruction } from './healthcheck.ts'
import type { ArgInstruction, EnvInstruction, LabelInstruction } from './name-value.ts'
import type { OnbuildInstruction } from './onbuild.ts'
import type { RunInstruction } from './run.ts'
import type { ListInstruction, TextInstruction } from './text.ts'

/** What all instructions have. */
export interface InstructionBase {
  /** The keyword as written. */
  readonly keyword: string
  /** The whole instruction as written, joined to one line. */
  readonly code: string
  readonly ranges: readonly Range[]
  readonly comments: readonly string[]
}

/** An instruction inside a stage; `kind` is its keyword in lower case. */
export type Instruction =
  | AddInstruction
  | ArgInstruction
  | CommandInstruction
  | CopyInstruction
  | EnvInstruction
  | HealthcheckInstruction
  | LabelInstruction
  | ListInstruction
  | OnbuildInstruction
  | RunInstruction
  | TextInstruction

/** A stage: FROM and what follows it. */
export interface Stage extends InstructionBase {
  readonly kind: 'from'
  /** Lower case; empty where it has none. */
  readonly name: string
  /** Image, stage or context, variables not yet expanded. */
  readonly base: string
  /** Value of `--platform`, or empty. */
  readonly platform: string
  /** Description from the comment `# name description` above. */
  readonly description: string
  readonly instructions: readonly Instruction[]
}

/** The common part of the instruction that a node stands for. */
export function baseOf(node: Node): InstructionBase {
  return {
    keyword: node.keyword,
    code: trimSpace(node.original),
    ranges: nodeRanges(node),
    comments: node.comments,
  }
}

/** A here-document of RUN. */
export interface InlineFile {
  readonly name: string
  readonly content: string
  readonly chomp: boolean
}

/** The here-documents of a node, as files of RUN. */
export function inlineFiles(heredocs: readonly Heredoc[]): InlineFile[] {
  return heredocs.map(({ name, content, chomp }) => ({ name, content, chomp }))
}

/** The text after `name ` of the first comment that starts so; empty where none does. */
export function descriptionOf(comments: readonly string[], name: string): string {
  if (name === '') return ''
  const found = comments.find(comment => comment.startsWith(`${name} `))
  return found === undefined ? '' : found.slice(name.length + 1)
}
