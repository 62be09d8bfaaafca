import { convertDockerfile } from '../../dockerfile/convert/convert.ts'
import type { ConvertHost } from '../../dockerfile/convert/host.ts'
import type { ConvertOptions } from '../../dockerfile/convert/options.ts'
import type { LintWarning } from '../../dockerfile/linter/linter.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { marshal } from '../../llb/marshal.ts'
import { attribute } from '../attributes.ts'
import type { Entrypoint } from '../entrypoint.ts'
import { lintWarning } from '../lint-warning.ts'
import { factsResult, type FrontendResult } from '../result.ts'
import type { FrontendScope } from '../scope.ts'
import { llbFacts } from './convert-llb.ts'
import { describeRequests } from './describe.ts'
import { lintFacts } from './lint.ts'
import { outlineOf } from './outline.ts'
import { requests } from './request.ts'
import { listTargets } from './targets.ts'

/** What a sub-request works on. */
interface Subject<Ref> {
  readonly entrypoint: Entrypoint
  readonly host: ConvertHost
  readonly scope: FrontendScope<Ref>
}

/** Answers a question about the Dockerfile instead of a build; undefined where the client wants a build. */
export async function answerSubrequest<Ref>(
  entrypoint: Entrypoint,
  host: ConvertHost,
  scope: FrontendScope<Ref>,
): Promise<FrontendResult<Ref> | undefined> {
  const name = attribute(scope.attributes, 'requestid')
  if (name === undefined) return undefined
  return factsResult(await answer(name, { entrypoint, host, scope }))
}

async function answer<Ref>(name: string, subject: Subject<Ref>): Promise<Record<string, string>> {
  const { entrypoint, scope } = subject
  switch (name) {
    case requests.describe.name:
      return describeRequests()
    case requests.targets.name:
      return listTargets(entrypoint.file.data)
    case requests.outline.name:
      return outlineOf((await convert(subject)).target, entrypoint.file.data)
    case requests.lint.name:
      return await lint(subject)
    case requests.convertLlb.name: {
      const { state, platform } = await convert(subject)
      return llbFacts(
        marshal(state.output, { platform, localUniqueId: scope.uniqueId, setsDefaultPath: true }),
      )
    }
    default:
      throw new SlipwayError('unknown', `unsupported request ${name}`, {
        details: [{ type: 'errdefs.Subrequest', name }],
      })
  }
}

async function convert<Ref>(
  { entrypoint, host, scope }: Subject<Ref>,
  changes: Partial<ConvertOptions> = {},
) {
  const options: ConvertOptions = {
    ...scope.config,
    targetPlatform: undefined,
    hostPlatform: scope.bridge.facts.hostPlatform,
    file: entrypoint.file,
    warn: warning => scope.bridge.warn(lintWarning(warning, entrypoint)),
    ...changes,
  }
  return await convertDockerfile(options, host, scope.signal)
}

/** Without a target, all stages are looked at. */
async function lint<Ref>(subject: Subject<Ref>): Promise<Record<string, string>> {
  const { scope, entrypoint } = subject
  const warnings: LintWarning[] = []
  const changes = {
    warn: (warning: LintWarning) => void warnings.push(warning),
    allStages: scope.config.target === '',
  }
  try {
    await convert(subject, changes)
    return lintFacts(warnings, undefined, entrypoint.file)
  } catch (e) {
    const error = asSlipwayError(e)
    if (error.code === 'canceled') throw error
    return lintFacts(warnings, error, entrypoint.file)
  }
}
