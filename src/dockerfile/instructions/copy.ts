import { chompHeredoc, tryParseHeredoc } from '../parser/heredoc.ts'
import type { Node } from '../parser/node.ts'
import { invalid, noDestination } from './argument-error.ts'
import { parseFlags } from './flags.ts'
import { baseOf, type InstructionBase } from './instruction.ts'

/** A here-document that becomes a file. */
export interface InlineSource {
  readonly name: string
  readonly content: string
  /** Whether variables in the content are expanded. */
  readonly expand: boolean
}

interface CopyBase extends InstructionBase {
  readonly sources: readonly string[]
  readonly inline: readonly InlineSource[]
  readonly destination: string
  /** `user[:group]`, or empty. */
  readonly chown: string
  /** Octal or symbolic mode, or empty. */
  readonly chmod: string
  readonly link: boolean
  readonly excludes: readonly string[]
}

/** COPY. */
export interface CopyInstruction extends CopyBase {
  readonly kind: 'copy'
  /** Stage, image, context or index, or empty. */
  readonly from: string
  readonly parents: boolean
}

/** ADD. */
export interface AddInstruction extends CopyBase {
  readonly kind: 'add'
  readonly checksum: string
  readonly keepGitDir: boolean | undefined
  readonly unpack: boolean | undefined
}

const common = { chown: 'text', chmod: 'text', link: 'bool', exclude: 'list' } as const

/** Reads COPY. Throws `invalid-argument`. */
export function parseCopy(node: Node): CopyInstruction {
  if (node.args.length < 2) throw noDestination('COPY')
  const flags = parseFlags(node.flags, { ...common, from: 'text', parents: 'bool' })
  return {
    ...baseOf(node),
    ...readPaths(node, 'COPY'),
    kind: 'copy',
    from: flags.text('from') ?? '',
    chown: flags.text('chown') ?? '',
    chmod: flags.text('chmod') ?? '',
    link: flags.bool('link') ?? false,
    parents: flags.bool('parents') ?? false,
    excludes: flags.list('exclude'),
  }
}

/** Reads ADD. Throws `invalid-argument`. */
export function parseAdd(node: Node): AddInstruction {
  if (node.args.length < 2) throw noDestination('ADD')
  const flags = parseFlags(node.flags, {
    ...common,
    'keep-git-dir': 'bool',
    checksum: 'text',
    unpack: 'bool',
  })
  return {
    ...baseOf(node),
    ...readPaths(node, 'ADD'),
    kind: 'add',
    chown: flags.text('chown') ?? '',
    chmod: flags.text('chmod') ?? '',
    link: flags.bool('link') ?? false,
    keepGitDir: flags.bool('keep-git-dir'),
    checksum: flags.text('checksum') ?? '',
    unpack: flags.bool('unpack'),
    excludes: flags.list('exclude'),
  }
}

function readPaths(node: Node, keyword: string): Pick<CopyBase, 'sources' | 'inline' | 'destination'> {
  const destination = node.args.at(-1) as string
  if (tryParseHeredoc(destination) !== undefined) {
    throw invalid(`${keyword} cannot accept a heredoc as a destination`)
  }
  const contents = new Map(node.heredocs.map(doc => [doc.name, doc.content]))
  const sources: string[] = []
  const inline: InlineSource[] = []
  for (const word of node.args.slice(0, -1)) {
    const doc = tryParseHeredoc(word)
    if (doc === undefined) {
      sources.push(word)
      continue
    }
    const content = contents.get(doc.name) ?? ''
    inline.push({ name: doc.name, content: doc.chomp ? chompHeredoc(content) : content, expand: doc.expand })
  }
  return { sources, inline, destination }
}
