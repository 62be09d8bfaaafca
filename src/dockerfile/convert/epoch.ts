import type { EnvList } from '../../llb/env-list.ts'
import { git } from '../../llb/git-source.ts'
import { http } from '../../llb/http-source.ts'
import type { State } from '../../llb/state.ts'
import { readChecksum } from './checksum.ts'
import { wrapError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { parseGitRef } from '../git/git-ref.ts'
import { invalid } from '../instructions/argument-error.ts'
import type { AddInstruction } from '../instructions/copy.ts'
import type { Stage } from '../instructions/instruction.ts'
import type { ArgDefinition } from '../instructions/name-value.ts'
import type { Program } from '../instructions/parse-stages.ts'
import { locatedError } from '../parser/location.ts'
import type { Lexer } from '../shell/lexer.ts'
import { downloadName } from './copy-actions.ts'
import { buildArg } from './global-args.ts'
import type { ConvertHost } from './host.ts'
import type { ConvertOptions } from './options.ts'

/** What SOURCE_DATE_EPOCH may refer to. */
export interface EpochScope {
  readonly options: ConvertOptions
  readonly host: ConvertHost
  readonly signal: AbortSignal | undefined
  readonly program: Program
  readonly globalArgs: EnvList
  readonly lexer: Lexer
}

/**
 * The seconds that SOURCE_DATE_EPOCH stands for: a number, `context`, a named context, or a stage that is nothing but
 * one remote ADD; undefined where the source has no time. Throws `invalid-argument`.
 */
export async function resolveEpoch(value: string, scope: EpochScope): Promise<number | undefined> {
  if (value === '') return undefined
  if (/^[+-]?[0-9]+$/.test(value) && Number.isSafeInteger(Number(value))) return Number(value)
  const { host, signal } = scope
  if (value === 'context') {
    const state = await host.mainContext(undefined, signal)
    return await host.sourceTime(state, '[internal] resolve main build context metadata', signal)
  }
  const request = { platform: undefined, resolveMode: 'default' as const, paths: () => undefined }
  const named = host.namedContext(value, request)
  if (named !== undefined) {
    const { state } = await named.load(signal)
    const logName = `[internal] resolve SOURCE_DATE_EPOCH named context ${value}`
    return await host.sourceTime(state, logName, signal)
  }
  const stage = scope.program.stages.find(({ name }) => name !== '' && name === value.toLowerCase())
  if (stage === undefined) throw invalid(`invalid SOURCE_DATE_EPOCH: ${value}`)
  const logName = `[internal] resolve SOURCE_DATE_EPOCH source stage ${stage.name}`
  return await host.sourceTime(stageSource(stage, scope), logName, signal)
}

function stageSource(stage: Stage, scope: EpochScope): State {
  try {
    return onlySource(stage, scope)
  } catch (error) {
    throw locatedError(error, stage.ranges)
  }
}

function onlySource(stage: Stage, scope: EpochScope): State {
  let args = scope.globalArgs.delete('SOURCE_DATE_EPOCH')
  if (expandBase(stage.base, args, scope) !== 'scratch') {
    throw invalid('SOURCE_DATE_EPOCH stage must use FROM scratch')
  }
  let source: State | undefined
  for (const instruction of stage.instructions) {
    if (instruction.kind === 'arg') args = withArgs(instruction.args, args, scope)
    else if (instruction.kind === 'add') {
      if (source !== undefined) throw invalid(exactlyOne)
      source = remoteSource(instruction, args, scope.lexer)
    } else {
      const what = `unsupported ${instruction.keyword} instruction`
      throw invalid(`SOURCE_DATE_EPOCH stage does not meet source-only requirements: ${what}`)
    }
  }
  if (source === undefined) throw invalid(exactlyOne)
  return source
}

const exactlyOne = 'SOURCE_DATE_EPOCH stage must contain exactly one remote ADD'

function expandBase(base: string, args: EnvList, scope: EpochScope): string {
  try {
    return scope.lexer.word(base, args)
  } catch (error) {
    throw wrapError(`failed to process source stage base name ${quote(base)}`, error)
  }
}

function withArgs(definitions: readonly ArgDefinition[], args: EnvList, scope: EpochScope): EnvList {
  let result = args
  for (const { name, value } of definitions) {
    const given = buildArg(scope.options.buildArgs, name)
    if (given !== undefined) result = result.set(name, given)
    else if (value !== undefined) result = result.set(name, scope.lexer.word(value, result))
  }
  return result
}

function remoteSource(instruction: AddInstruction, args: EnvList, lexer: Lexer): State {
  const [path, ...more] = instruction.sources
  if (path === undefined || more.length > 0 || instruction.inline.length > 0) {
    throw invalid(`${exactlyOne} source`)
  }
  const url = lexer.word(path, args)
  const checksum = lexer.word(instruction.checksum, args)
  const ref = parseGitRef(url)
  if (ref !== undefined && !ref.looksLocal) {
    return git(ref.remote, {
      ref: ref.ref,
      subdir: ref.subdir,
      checksum: checksum || ref.checksum,
      keepGitDir: instruction.keepGitDir === true || ref.keepGitDir === true,
      skipSubmodules: ref.submodules === false,
    })
  }
  if (!/^https?:\/\//.test(url)) {
    throw invalid('SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD')
  }
  return http(url, {
    filename: downloadName(url),
    checksum: checksum === '' ? undefined : readChecksum(checksum),
  })
}
