import { cleanPath } from '../../gostd/pattern-matcher.ts'
import { file } from '../../llb/file.ts'
import { parseOwner } from '../../llb/file-action.ts'
import { merge } from '../../llb/merge-diff.ts'
import type { OpOptions } from '../../llb/options.ts'
import { scratch } from '../../llb/state.ts'
import { joinPath } from '../../llb/join-path.ts'
import { digestHex, digestOf } from '../../oci/digest.ts'
import { quote } from '../../gostd/quote.ts'
import { invalid } from '../instructions/argument-error.ts'
import type { AddInstruction, CopyInstruction } from '../instructions/copy.ts'
import { rules } from '../linter/rules.ts'
import { readChmod } from './chmod.ts'
import { type DispatchContext, locationOf } from './context.ts'
import { isRemoteSource, type CopyPlan, copyActions } from './copy-actions.ts'
import { addHistory } from './history.ts'
import { destinationPath } from './paths.ts'
import type { StageBuild } from './stage-build.ts'
import { sameStepName, stepName, stepText } from './step-name.ts'

/** Applies COPY or ADD. `from` is the stage, image or context of `--from`. Throws `invalid-argument`. */
export function dispatchCopy(
  build: StageBuild,
  instruction: AddInstruction | CopyInstruction,
  from: StageBuild | undefined,
  context: DispatchContext,
): void {
  if (from !== undefined && !from.dispatched) {
    const name = instruction.kind === 'copy' ? instruction.from : ''
    throw invalid(
      `cannot copy from stage ${quote(name)}, it needs to be defined before current stage ${quote(build.shownName)}`,
    )
  }
  const plan = planOf(build, instruction, from, context)
  const { env } = build.state
  const text = stepText(context.lexer, instruction.code, env)
  const name = stepName(build, context, text, build.platform, env)
  if (from === undefined) for (const source of instruction.sources) lintIgnored(source, instruction, context)
  const actions = copyActions(plan, name)
  const options: OpOptions = {
    name,
    locations: locationOf(context, instruction.ranges),
    ignoreCache: build.ignoreCache,
  }
  if (instruction.link && instruction.chmod === '') {
    const linked = (prefix: string) => sameStepName(build, context, prefix + text, build.platform, env)
    const group = { id: groupId(build, instruction, name), name: linked('') }
    const layer = file(scratch, actions, { ...options, progressGroup: { ...group, weak: true } })
    const merged = merge([build.state, layer], {
      ...options,
      name: linked('LINK '),
      progressGroup: { ...group, weak: false },
    })
    build.state = { ...build.state, output: merged.output }
  } else build.state = file(build.state, actions, options)
  addHistory(build, context, historyText(instruction), { layer: true, marked: true })
  notePaths(build, instruction, from)
}

function planOf(
  build: StageBuild,
  instruction: AddInstruction | CopyInstruction,
  from: StageBuild | undefined,
  context: DispatchContext,
): CopyPlan {
  const os = build.platform?.os ?? ''
  return {
    instruction,
    os,
    tree: from?.state ?? context.buildContext,
    destination: destinationPath(build.state.dir, instruction.destination, os),
    owner: instruction.chown === '' ? undefined : parseOwner(instruction.chown),
    mode: instruction.chmod === '' ? undefined : readChmod(instruction.chmod),
    linter: context.linter,
  }
}

/** An id that vertices of the same step share, and no others. */
function groupId(build: StageBuild, instruction: { readonly code: string }, name: string): string {
  const text = [build.shownName, String(build.stepIndex), name, instruction.code].join('\0')
  return digestHex(digestOf(text)).slice(0, 25)
}

function historyText(instruction: AddInstruction | CopyInstruction): string {
  const { kind, chown, chmod, sources, inline, destination } = instruction
  return [
    kind.toUpperCase(),
    ...(kind === 'copy' && instruction.parents ? ['--parents'] : []),
    ...(chown === '' ? [] : [`--chown=${chown}`]),
    ...(chmod === '' ? [] : [`--chmod=${chmod}`]),
    ...sources,
    ...inline.map(({ name }) => `<<${name}`),
    destination,
  ].join(' ')
}

function notePaths(
  build: StageBuild,
  instruction: AddInstruction | CopyInstruction,
  from: StageBuild | undefined,
): void {
  const paths = from === undefined ? build.contextPaths : from.paths
  for (const source of instruction.sources) {
    if (instruction.kind === 'add' && /^https?:\/\//.test(source)) continue
    paths.add(joinPath('/', source))
  }
}

/** Reports sources that .dockerignore leaves out; not where it has exceptions, which are too hard to judge. */
function lintIgnored(
  source: string,
  instruction: AddInstruction | CopyInstruction,
  context: DispatchContext,
): void {
  const { ignored } = context
  if (ignored === undefined || ignored.hasExclusions || isRemoteSource(source)) return
  const path = cleanPath(source)
  const isRoot = path === '.' || path === '/'
  const ignoresRoot = ignored.patterns.some(p => !p.exclusion && ['*', '**', '**/*'].includes(p.text))
  if (isRoot && !ignoresRoot) return
  const keyword = instruction.kind === 'add' ? 'Add' : 'Copy'
  if (ignored.matches(path)) context.linter.report(rules.copyIgnoredFile, instruction.ranges, keyword, path)
}
