import { isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { type Linter, silentLinter } from '../linter/linter.ts'
import { rules } from '../linter/rules.ts'
import { keywords } from '../parser/arguments.ts'
import { locatedError } from '../parser/location.ts'
import { type Node, nodeRanges } from '../parser/node.ts'
import type { ParsedFile } from '../parser/parse.ts'
import { withSuggestion } from '../suggest.ts'
import { invalid } from './argument-error.ts'
import { parseCommand, parseShell } from './command.ts'
import { parseAdd, parseCopy } from './copy.ts'
import { parseFlags } from './flags.ts'
import { parseHealthcheck } from './healthcheck.ts'
import { baseOf, descriptionOf, type Instruction, type Stage } from './instruction.ts'
import { type ArgInstruction, parseArg, parseEnv, parseLabel } from './name-value.ts'
import { parseOnbuild } from './onbuild.ts'
import { parseRun } from './run.ts'
import { parseExpose, parseText, parseVolume } from './text.ts'

/** A Dockerfile as typed instructions. */
export interface Program {
  readonly stages: readonly Stage[]
  /** The ARGs before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[]
}

/** Understands the nodes of a file. Throws `invalid-argument`, `dockerfile parse error on line N: …`. */
export function parseStages(file: ParsedFile, linter: Linter = silentLinter): Program {
  const stages: { head: Omit<Stage, 'instructions'>; instructions: Instruction[] }[] = []
  const globalArgs: ArgInstruction[] = []
  for (const node of file.nodes) {
    const parsed = inContext(node, () => parseNode(node, linter))
    if (parsed.kind === 'from') stages.push({ head: parsed, instructions: [] })
    else {
      const stage = stages.at(-1)
      if (stage !== undefined) stage.instructions.push(parsed)
      else if (parsed.kind === 'arg') globalArgs.push(parsed)
      else throw locatedError(invalid('no build stage in current context'), nodeRanges(node))
    }
  }
  return { stages: stages.map(({ head, instructions }) => ({ ...head, instructions })), globalArgs }
}

/** One instruction other than FROM (of an ONBUILD trigger). Throws `invalid-argument`. */
export function parseInstruction(node: Node): Instruction {
  const parsed = located(node, () => parseNode(node, silentLinter))
  if (parsed.kind === 'from') {
    throw locatedError(invalid('*instructions.Stage is not a command type'), nodeRanges(node))
  }
  return parsed
}

function inContext<T>(node: Node, parse: () => T): T {
  try {
    return located(node, parse)
  } catch (e) {
    if (!isSlipwayError(e)) throw e
    const { code, message, sources, details, hint } = e
    throw new SlipwayError(code, `dockerfile parse error on line ${node.startLine}: ${message}`, {
      cause: e.cause,
      sources,
      details,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

function located<T>(node: Node, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw locatedError(error, nodeRanges(node))
  }
}

function parseNode(node: Node, outer: Linter): Instruction | Omit<Stage, 'instructions'> {
  const linter = outer.withComments(node.comments)
  const keyword = node.keyword.toLowerCase()
  switch (keyword) {
    case 'add':
      return parseAdd(node)
    case 'arg':
      return lintedArg(node, linter)
    case 'cmd':
    case 'entrypoint':
      return parseCommand(node, keyword)
    case 'copy':
      return parseCopy(node)
    case 'env':
      return parseEnv(node)
    case 'expose':
      return parseExpose(node)
    case 'from':
      return parseFrom(node, linter)
    case 'healthcheck':
      return parseHealthcheck(node)
    case 'label':
      return parseLabel(node)
    case 'maintainer':
      linter.report(rules.maintainerDeprecated, nodeRanges(node))
      return parseText(node, keyword)
    case 'onbuild':
      return parseOnbuild(node)
    case 'run':
      return parseRun(node)
    case 'shell':
      return parseShell(node)
    case 'stopsignal':
    case 'user':
    case 'workdir':
      return parseText(node, keyword)
    case 'volume':
      return parseVolume(node)
    default:
      throw withSuggestion(invalid(`unknown instruction: ${node.keyword}`), node.keyword, keywords, false)
  }
}

function lintedArg(node: Node, linter: Linter): ArgInstruction {
  const instruction = parseArg(node)
  const names = instruction.args.map(arg => arg.name)
  lintDescription('ARG', names, node, linter)
  return instruction
}

function parseFrom(node: Node, linter: Linter): Omit<Stage, 'instructions'> {
  lintCasing(node, linter)
  const name = stageName(node.args)
  const flags = parseFlags(node.flags, { platform: 'text' })
  if (name !== '') lintDescription('FROM', [name], node, linter)
  return {
    ...baseOf(node),
    kind: 'from',
    name,
    base: node.args[0] as string,
    platform: flags.text('platform') ?? '',
    description: descriptionOf(node.comments, name),
  }
}

function stageName(args: readonly string[]): string {
  const [, as = '', name] = args
  if (name !== undefined && args.length === 3 && as.toLowerCase() === 'as') {
    const lower = name.toLowerCase()
    if (/^[a-z][a-z0-9-_.]*$/.test(lower)) return lower
    throw invalid(
      `invalid name for build stage: ${quote(name)}, name can't start with a number or contain symbols`,
    )
  }
  if (args.length !== 1) throw invalid('FROM requires either one or three arguments')
  return ''
}

function lintCasing(node: Node, linter: Linter): void {
  const [, as, name] = node.args
  if (as === undefined || name === undefined) return
  if (node.args.length === 3 && name !== name.toLowerCase()) {
    linter.report(rules.stageNameCasing, nodeRanges(node), name)
  }
  const { keyword } = node
  const same =
    keyword === keyword.toLowerCase()
      ? as === as.toLowerCase()
      : keyword !== keyword.toUpperCase() || as === as.toUpperCase()
  if (!same) linter.report(rules.fromAsCasing, nodeRanges(node), keyword, as)
}

function lintDescription(keyword: string, names: readonly string[], node: Node, linter: Linter): void {
  const last = node.comments.at(-1)
  if (last === undefined || names.includes(last.split(' ', 1)[0] as string)) return
  const example = names.length > 1 ? '<arg_key>' : (names[0] as string)
  linter.report(rules.invalidDefinitionDescription, nodeRanges(node), keyword, example)
}
