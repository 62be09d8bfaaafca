import { quote } from '../../gostd/quote.ts'
import type { Node } from '../parser/node.ts'
import { invalid } from './argument-error.ts'
import { commandWords } from './command.ts'
import { type Device, parseDevice } from './device.ts'
import { parseFlags } from './flags.ts'
import { baseOf, type InlineFile, type InstructionBase, inlineFiles } from './instruction.ts'
import { mountFrom } from './mount.ts'

/** Where a mount's source comes from, known before variables are: `from` cannot hold any. */
export interface MountFlag {
  /** The value of `--mount`, variables not expanded; `parseMount` reads it. */
  readonly text: string
  /** Stage, image or context; empty for the build context. */
  readonly from: string
}

/** RUN. */
export interface RunInstruction extends InstructionBase {
  readonly kind: 'run'
  readonly words: readonly string[]
  readonly inShell: boolean
  readonly files: readonly InlineFile[]
  readonly mounts: readonly MountFlag[]
  readonly network: 'default' | 'none' | 'host'
  readonly security: 'sandbox' | 'insecure'
  readonly devices: readonly Device[]
}

/** Reads RUN. Throws `invalid-argument`. */
export function parseRun(node: Node): RunInstruction {
  const flags = parseFlags(node.flags, { mount: 'list', network: 'text', security: 'text', device: 'list' })
  const devices = flags.list('device').map(parseDevice)
  const mounts = flags.list('mount').map(text => ({ text, from: mountFrom(text) }))
  return {
    ...baseOf(node),
    kind: 'run',
    words: commandWords(node.args, node.json),
    inShell: !node.json,
    files: inlineFiles(node.heredocs),
    devices,
    mounts,
    network: readNetwork(flags.text('network') ?? 'default'),
    security: readSecurity(flags.text('security') ?? 'sandbox'),
  }
}

function readNetwork(text: string): RunInstruction['network'] {
  if (text === 'default' || text === 'none' || text === 'host') return text
  throw invalid(`invalid network mode ${quote(text)}`)
}

function readSecurity(text: string): RunInstruction['security'] {
  if (text === 'sandbox' || text === 'insecure') return text
  throw invalid(`security ${quote(text)} is not valid`)
}
