import { encodeName } from '../../bytes/path-string.ts'
import { type ExecOptions, execState } from '../../llb/exec.ts'
import { file } from '../../llb/file.ts'
import { joinPath } from '../../llb/join-path.ts'
import { scratch } from '../../llb/state.ts'
import type { ExecMount } from '../../llb/vertex.ts'
import { invalid } from '../instructions/argument-error.ts'
import type { Mount } from '../instructions/mount.ts'
import type { RunInstruction } from '../instructions/run.ts'
import { chompHeredoc, tryParseHeredoc } from '../parser/heredoc.ts'
import { trimSpace } from '../parser/white-space.ts'
import type { Variables } from '../shell/variables.ts'
import { commandKey, type DispatchContext, locationOf } from './context.ts'
import { addHistory } from './history.ts'
import { inShell } from './metadata.ts'
import { runMounts } from './run-mounts.ts'
import type { StageBuild } from './stage-build.ts'
import { stepName, stepText } from './step-name.ts'
import { lintPlatformArgs } from './platform-arg-lint.ts'

/** Applies RUN. Throws `invalid-argument`. */
export function dispatchRun(
  build: StageBuild,
  instruction: RunInstruction,
  sources: readonly StageBuild[],
  context: DispatchContext,
  expand: (text: string) => string,
): void {
  build.paths.add('/')
  const script = scriptOf(build, instruction)
  const args = instruction.inShell ? inShell(build, script.words) : script.words
  const mounts = runMounts(build, instruction, sources, context, expand)
  lintPlatformArgs(build, instruction, script.words, context)
  const { env } = build.state
  const namer = context.lexer.with({ rawQuotes: true, skipUnset: true })
  const text = stepText(namer, instruction.code + script.summary, maskSecrets(env, mounts.parsed))
  const options: ExecOptions = {
    args,
    mounts: [...script.mounts, ...mounts.trees, ...sharedMemory(context.options.shmSize)],
    secrets: mounts.secrets,
    ssh: mounts.ssh,
    devices: instruction.devices.map(({ name, required }) => ({ name, optional: !required })),
    proxy: context.proxy,
    network: instruction.network === 'default' ? undefined : instruction.network,
    security: instruction.security,
    extraHosts: context.options.extraHosts,
    ulimits: context.options.ulimits,
    cgroupParent: context.options.cgroupParent,
    linuxResources: context.options.linuxResources,
    ignoreCache: build.ignoreCache,
    name: stepName(build, context, text, build.state.platform, env),
    description: { [commandKey]: instruction.code },
    locations: locationOf(context, instruction.ranges),
  }
  build.state = execState(build.state, options)
  const history = `RUN ${[...historyArgs(build, env), ...args].join(' ')}`
  addHistory(build, context, history, { layer: true, marked: true })
}

interface Script {
  readonly words: readonly string[]
  /** Behind the instruction in the step's name. */
  readonly summary: string
  readonly mounts: readonly ExecMount[]
}

/** What runs: the words, with here-documents put in, or as a script of their own. */
function scriptOf(build: StageBuild, instruction: RunInstruction): Script {
  const { words, files } = instruction
  const [first] = files
  const [line] = words
  if (first === undefined) return { words, summary: '', mounts: [] }
  if (line === undefined || words.length !== 1 || !instruction.inShell) {
    throw invalid(`parsing produced an invalid run command: [${words.join(' ')}]`)
  }
  if (tryParseHeredoc(line) === undefined) {
    const documents = files.map(({ content, name }) => `\n${content}${name}`)
    return { words: [line + documents.join('')], summary: '', mounts: [] }
  }
  const content = first.chomp ? chompHeredoc(first.content) : first.content
  const summary = ` (${summarize(first.content)})`
  if (build.image.os === 'windows' || !content.startsWith('#!'))
    return { words: [content], summary, mounts: [] }
  const data = encodeName(content)
  const document = inlineFile(first.name, data, 0o755)
  const mount = { target: '/dev/pipes/', source: document.output, selector: '/', readonly: true }
  return { words: [joinPath('/dev/pipes/', first.name)], summary, mounts: [mount] }
}

/** A tree with one file made of a here-document. */
export function inlineFile(name: string, data: Uint8Array, mode: number) {
  const action = { kind: 'mkfile' as const, path: name, mode, data }
  return file(scratch, [action], { name: '[internal] preparing inline document' })
}

function summarize(document: string): string {
  const lines = trimSpace(document).replaceAll('\r\n', '\n').split('\n')
  return `${lines[0]}${lines.length > 1 ? '...' : ''}`
}

function sharedMemory(size: number): ExecMount[] {
  return size > 0 ? [{ target: '/dev/shm', source: undefined, tmpfs: { size } }] : []
}

/** Names of steps show `****` for variables that hold secrets. */
function maskSecrets(variables: Variables, mounts: readonly Mount[]): Variables {
  const names = new Set<string>()
  for (const mount of mounts) if (mount.type === 'secret' && mount.env !== undefined) names.add(mount.env)
  if (names.size === 0) return variables
  return {
    get: name => (names.has(name) ? '****' : variables.get(name)),
    keys: () => [...variables.keys().filter(name => !names.has(name)), ...names],
  }
}

/** `|2 A=1 B=2` of the args that a step sees. */
function historyArgs(build: StageBuild, variables: Variables): string[] {
  const values = new Map<string, string>()
  for (const { name, value } of build.buildArgs) values.set(name, variables.get(name) ?? value ?? '')
  return values.size === 0
    ? []
    : [`|${values.size}`, ...Array.from(values, ([name, value]) => `${name}=${value}`)]
}
