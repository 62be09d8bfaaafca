import { withEnv } from '../../llb/state.ts'
import type {
  ArgDefinition,
  ArgInstruction,
  EnvInstruction,
  LabelInstruction,
} from '../instructions/name-value.ts'
import { rules } from '../linter/rules.ts'
import type { NameValue } from '../parser/node.ts'
import type { DispatchContext } from './context.ts'
import { buildArg } from './global-args.ts'
import { addHistory } from './history.ts'
import type { StageBuild } from './stage-build.ts'
import { lintUndefined, nonVariableArgs } from './variable-lint.ts'

/** Applies ENV. */
export function dispatchEnv(build: StageBuild, instruction: EnvInstruction, context: DispatchContext): void {
  const { keyword, ranges } = instruction
  let env = build.image.config.Env ?? []
  for (const { name, value, legacy } of instruction.pairs) {
    if (legacy) context.linter.report(rules.legacyKeyValueFormat, ranges, keyword)
    lintSecret('ENV', name, instruction, context)
    build.state = withEnv(build.state, name, value)
    env = replaced(env, name, value)
  }
  build.image = { ...build.image, config: { ...build.image.config, Env: env } }
  addHistory(build, context, `ENV ${texts(instruction.pairs)}`)
}

/** Applies LABEL. */
export function dispatchLabel(
  build: StageBuild,
  instruction: LabelInstruction,
  context: DispatchContext,
): void {
  const Labels = labelsOf(build)
  for (const { name, value, legacy } of instruction.pairs) {
    if (legacy) context.linter.report(rules.legacyKeyValueFormat, instruction.ranges, instruction.keyword)
    // Assigning to `__proto__` would make no member.
    Object.defineProperty(Labels, name, { value, enumerable: true, writable: true, configurable: true })
  }
  build.image = { ...build.image, config: { ...build.image.config, Labels } }
  addHistory(build, context, `LABEL ${texts(instruction.pairs)}`)
}

/** Labels that may be added to: a copy for every instruction would take long with thousands of them. */
function labelsOf(build: StageBuild): Record<string, string> {
  const { Labels } = build.image.config
  if (Labels === undefined || Labels !== build.ownLabels)
    build.ownLabels = Object.fromEntries(Object.entries(Labels ?? {}))
  return build.ownLabels as Record<string, string>
}

/** Applies ARG: build args win over defaults, those over global args. Throws `invalid-argument`. */
export function dispatchArg(build: StageBuild, instruction: ArgInstruction, context: DispatchContext): void {
  const committed: string[] = []
  for (const definition of instruction.args) {
    const { name } = definition
    lintSecret('ARG', name, instruction, context)
    const { value, isGlobal } = valueOf(build, definition, instruction, context)
    if (value !== undefined && !nonVariableArgs.includes(name)) {
      build.state = withEnv(build.state, name, value)
    }
    const arg = { ...definition, value }
    if (!isGlobal) {
      const { ranges } = instruction
      build.outline.args.set(name, { value: value ?? '', definition: arg, dependencies: new Set(), ranges })
    }
    build.outline.used.add(name)
    build.buildArgs = [...build.buildArgs, arg]
    committed.push(value === undefined ? name : `${name}=${value}`)
  }
  addHistory(build, context, `ARG ${committed.join(' ')}`)
}

function valueOf(
  build: StageBuild,
  definition: ArgDefinition,
  instruction: ArgInstruction,
  context: DispatchContext,
): { value: string | undefined; isGlobal: boolean } {
  const given = buildArg(context.buildArgs, definition.name)
  if (given !== undefined) return { value: given, isGlobal: false }
  if (definition.value === undefined) {
    const value = context.globalArgs.get(definition.name)
    return { value, isGlobal: value !== undefined }
  }
  const { env } = build.state
  const found = context.lexer.process(definition.value, env)
  lintUndefined(found.unmatched, build.buildArgs, env, instruction.ranges, context.linter)
  if (found.error !== undefined) throw found.error
  return { value: found.result, isGlobal: false }
}

const secretWord =
  /(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i
const harmlessWord = /(?:_|^)(?:public|file|version)(?:_|$)/i

function lintSecret(
  keyword: string,
  name: string,
  { ranges }: Pick<ArgInstruction, 'ranges'>,
  context: DispatchContext,
): void {
  if (secretWord.test(name) && !harmlessWord.test(name)) {
    context.linter.report(rules.secretsUsedInArgOrEnv, ranges, keyword, name)
  }
}

function replaced(env: readonly string[], name: string, value: string): string[] {
  const at = env.findIndex(entry => entry.split('=', 1)[0] === name)
  return at < 0 ? [...env, `${name}=${value}`] : env.with(at, `${name}=${value}`)
}

function texts(pairs: readonly NameValue[]): string {
  return pairs.map(({ name, value }) => `${name}=${value}`).join(' ')
}
