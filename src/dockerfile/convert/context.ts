import type { Range } from '../../errors/source-range.ts'
import type { PatternMatcher } from '../../gostd/pattern-matcher.ts'
import type { EnvList } from '../../llb/env-list.ts'
import type { SourceLocation } from '../../llb/options.ts'
import type { State } from '../../llb/state.ts'
import type { ProxySettings } from '../../llb/vertex.ts'
import type { Platform } from '../../oci/descriptor.ts'
import type { Linter } from '../linter/linter.ts'
import type { Lexer } from '../shell/lexer.ts'
import type { ConvertHost } from './host.ts'
import type { ConvertOptions } from './options.ts'
import type { StageTable } from './stage-table.ts'

/** What holds for a whole conversion. */
export interface ConvertContext {
  readonly options: ConvertOptions
  readonly host: ConvertHost
  readonly signal: AbortSignal | undefined
  readonly table: StageTable
  readonly lexer: Lexer
  readonly linter: Linter
  /** The platform to build, also where none was asked for. */
  readonly target: Platform
  readonly globalArgs: EnvList
  readonly buildArgs: Readonly<Record<string, string>>
  readonly proxy: ProxySettings | undefined
  /** Seconds since 1970 that files and history get; undefined for the real times. */
  readonly epoch: number | undefined
}

/** What an instruction needs besides its stage. */
export interface DispatchContext extends ConvertContext {
  readonly buildContext: State
  readonly ignored: PatternMatcher | undefined
}

/** The place of an instruction in the Dockerfile, as ops note it. */
export function locationOf(context: ConvertContext, ranges: readonly Range[]): SourceLocation[] {
  return [{ file: context.options.file, ranges }]
}

/** Key of the description in which ops keep the instruction as written. */
export const commandKey = 'com.docker.dockerfile.v1.command'
