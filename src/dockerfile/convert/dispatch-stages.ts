import { compilePatterns } from '../../gostd/pattern-matcher.ts'
import { tryParseBool } from '../../gostd/parse-number.ts'
import { type State, scratch, withDir, withEnv } from '../../llb/state.ts'
import type { Output } from '../../llb/vertex.ts'
import { locatedError } from '../parser/location.ts'
import { variablesOf } from '../shell/variables.ts'
import type { ConvertContext, DispatchContext } from './context.ts'
import { contextPaths } from './context-paths.ts'
import { dispatch } from './dispatch.ts'
import { defaultPath } from './empty-image.ts'
import { normalizeWorkdir, platformPath } from './paths.ts'
import type { StageBuild } from './stage-build.ts'

/** What converting the stages brought to light. */
export interface DispatchResult {
  /** Paths used of the build context, undefined for all of it. */
  readonly paths: readonly string[] | undefined
  /** Sets the output that stands for the build context. */
  readonly setContext: (output: Output | undefined) => void
  readonly buildContext: State
}

/** Converts every needed stage, in the order of the file. Throws with the line of the instruction at fault. */
export async function dispatchStages(
  needed: ReadonlySet<StageBuild>,
  target: StageBuild,
  context: ConvertContext,
): Promise<DispatchResult> {
  let resolved: Output | undefined
  const buildContext: State = { ...scratch, output: { kind: 'later', resolve: () => resolved } }
  const patterns = await context.host.ignorePatterns(context.signal)
  const ignored = patterns.length === 0 ? undefined : compilePatterns(patterns)
  const used = new Set<string>()
  for (const build of context.table.stages) {
    if (!context.options.allStages && (!needed.has(build) || build.dispatched)) continue
    dispatchStage(build, { ...context, buildContext, ignored })
    for (const path of build.contextPaths) used.add(path)
  }
  target.paths.add('/')
  return { paths: contextPaths(used), buildContext, setContext: output => void (resolved = output) }
}

function dispatchStage(build: StageBuild, context: DispatchContext): void {
  build.inherit()
  build.dispatched = true
  build.platform ??= context.target
  startState(build, context)
  for (const command of build.commands) {
    try {
      dispatch(build, command, context)
    } catch (error) {
      throw locatedError(error, command.instruction.ranges)
    }
  }
  readScanFlags(build, context)
}

/** Gives the state what the base image's configuration says. */
function startState(build: StageBuild, context: DispatchContext): void {
  const { config } = build.image
  const env = config.Env ?? []
  const hasPath = variablesOf(env).get('PATH') !== undefined
  if (!hasPath && build.platform?.os !== 'windows') {
    build.image = { ...build.image, config: { ...config, Env: [...env, `PATH=${defaultPath}`] } }
  }
  let { state } = build
  for (const entry of build.image.config.Env ?? []) {
    const at = entry.indexOf('=')
    state = withEnv(state, at < 0 ? entry : entry.slice(0, at), at < 0 ? '' : entry.slice(at + 1))
  }
  if (context.options.hostname !== '') state = { ...state, hostname: context.options.hostname }
  if (config.WorkingDir) {
    const os = build.platform?.os ?? ''
    const dir = normalizeWorkdir(config.WorkingDir, config.WorkingDir, os)
    build.image = { ...build.image, config: { ...build.image.config, WorkingDir: platformPath(dir, os) } }
    state = withDir(state, dir)
  }
  if (config.User) state = { ...state, user: config.User }
  build.state = { ...state, network: context.options.network }
}

function readScanFlags(build: StageBuild, context: DispatchContext): void {
  const isOn = (name: string): boolean => {
    let on = isEnabledFor(build.shownName, context.globalArgs.get(name))
    for (const arg of build.buildArgs) {
      if (arg.name === name && arg.value !== undefined) on = isEnabledFor(build.shownName, arg.value)
    }
    return on
  }
  if (isOn('BUILDKIT_SBOM_SCAN_CONTEXT')) build.scanContext = true
  if (isOn('BUILDKIT_SBOM_SCAN_STAGE')) build.scanStage = true
}

/** A bool, or a list of stages. */
function isEnabledFor(stage: string, value: string | undefined): boolean {
  if (value === undefined) return false
  return tryParseBool(value) ?? value.split(',').includes(stage)
}
