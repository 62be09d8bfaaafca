import { parseOwner } from '../../llb/file-action.ts'
import { file } from '../../llb/file.ts'
import { withDir } from '../../llb/state.ts'
import type { TextInstruction } from '../instructions/text.ts'
import { rules } from '../linter/rules.ts'
import { type DispatchContext, locationOf } from './context.ts'
import { addHistory } from './history.ts'
import { isAbsolute, normalizeWorkdir, platformPath } from './paths.ts'
import type { StageBuild } from './stage-build.ts'
import { stepName, stepText } from './step-name.ts'

/** Applies WORKDIR: the directory is made, as a step of its own, unless it is the root. */
export function dispatchWorkdir(
  build: StageBuild,
  instruction: TextInstruction,
  context: DispatchContext,
): void {
  const { text, ranges, code } = instruction
  const os = build.platform?.os ?? ''
  if (!build.workdirSeen && !isAbsolute(text, os)) {
    context.linter.report(rules.workdirRelativePath, ranges, text)
  }
  build.workdirSeen = true
  const { WorkingDir = '', User = '' } = build.image.config
  const dir = normalizeWorkdir(WorkingDir, text, os)
  build.image = { ...build.image, config: { ...build.image.config, WorkingDir: platformPath(dir, os) } }
  build.state = withDir(build.state, dir)
  const hasLayer = dir !== '/'
  if (hasLayer) {
    const { env } = build.state
    const mkdir = {
      kind: 'mkdir' as const,
      path: dir,
      mode: 0o755,
      parents: true,
      owner: User === '' ? undefined : parseOwner(User),
      created: context.epoch === undefined ? undefined : BigInt(context.epoch) * 1_000_000_000n,
    }
    build.state = file(build.state, [mkdir], {
      name: stepName(build, context, stepText(context.lexer, code, env), build.platform, env),
      locations: locationOf(context, ranges),
    })
  }
  addHistory(build, context, `WORKDIR ${dir}`, { layer: hasLayer })
}
