import { realpathSync } from 'node:fs'
import { addGrants, type EntitlementGrants, parseAllow } from '../../bake/entitlements.ts'
import { privilegePrompt, privilegesRefused } from '../../bake/privilege-prompt.ts'
import { missingPrivileges } from '../../bake/privilege-request.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import type { Host } from '../host.ts'
import { readYes } from '../prompt.ts'
import { type BakePlan, diskPaths } from './plan-builds.ts'

/** How privileges are asked for. */
export interface AskOptions {
  readonly host: Host
  readonly signal: AbortSignal
  /** The definition is not of this machine. */
  readonly isRemote: boolean
  /** Standard error carries events for programs: nobody is asked there. */
  readonly rawJson: boolean
  /** Called before anything is written. */
  readonly beforeText: () => Promise<void>
}

/** What `--allow` grants, with what is granted to everybody: the working directory. Throws `invalid-argument`. */
export function grantsOf(allow: readonly string[], host: Pick<Host, 'cwd'>): EntitlementGrants {
  return addGrants(parseAllow(allow), { read: [host.cwd], write: [host.cwd] })
}

/** Asks the user for privileges that were not granted. Throws `permission-denied` when they are refused. */
export async function askPrivileges(
  plan: BakePlan,
  granted: EntitlementGrants,
  options: AskOptions,
): Promise<void> {
  const { host, signal, isRemote } = options
  const request = missingPrivileges(plan.builds.values(), addGrants(granted, plan.grants), diskPaths(host))
  if (options.rawJson) {
    if (!request.localDelete) return
    const flag = quote('--allow=buildx.local.delete')
    throw new SlipwayError(
      'permission-denied',
      `additional privileges requested: pass ${flag} to grant requested privileges`,
    )
  }
  const { env } = host
  const prompt = privilegePrompt(request, {
    terminal: host.stdin.isTTY,
    workingDirectory: realpathSync(host.cwd),
    command: [env['DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND'] || host.program, ...host.args],
    isRemote,
    checkPaths: env['BUILDX_BAKE_ENTITLEMENTS_FS'],
    allowRemotePaths: env['BAKE_ALLOW_REMOTE_FS_ACCESS'],
  })
  if (prompt.text === '') return
  await options.beforeText()
  host.stderr.write(prompt.text + (prompt.question ?? ''))
  if (prompt.granted) return
  if (prompt.question === undefined || !(await readYes(host, signal))) throw privilegesRefused()
}
