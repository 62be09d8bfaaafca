import { lstatSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { type BuildOptions, printedTarget, toBuildOptions } from '../../bake/build-options.ts'
import type { EntitlementGrants } from '../../bake/entitlements.ts'
import { type FlagOverrides, flagOverrides } from '../../bake/flag-overrides.ts'
import type { PathEvaluator } from '../../bake/privilege-request.ts'
import { resolveTargets } from '../../bake/resolve-targets.ts'
import { withSourceDateEpoch } from '../../bake/source-date-epoch.ts'
import type { Group, Target } from '../../bake/target.ts'
import type { BakeFlags } from '../commands/bake-flags.ts'
import type { Host } from '../host.ts'
import { hostPlatform } from '../host-platform.ts'
import type { LoadedDefinition } from './load-definition.ts'

/** What a call builds. */
export interface BakePlan {
  readonly groups: ReadonlyMap<string, Group>
  /** As `--print` shows them, by name. */
  readonly targets: ReadonlyMap<string, Target>
  /** As they are built, by name. */
  readonly builds: ReadonlyMap<string, BuildOptions>
  /** What the overrides on the command line permit by themselves. */
  readonly grants: EntitlementGrants
}

/** What flags change in every target. Throws in buildx's words. */
export function overridesOf(flags: BakeFlags): FlagOverrides {
  const { noCache, pull, push, load, sbom, provenance, call, policy } = flags
  return flagOverrides({
    push,
    load,
    sbom,
    provenance,
    call,
    policy,
    ...(noCache === undefined ? {} : { noCache }),
    ...(pull === undefined ? {} : { pull }),
  })
}

/** Finds the targets that are asked for, with the flags applied. Throws in buildx's words. */
export function planBuilds(loaded: LoadedDefinition, flags: BakeFlags, host: Host): BakePlan {
  const { definition, asked, remoteUrl, fileRelativePaths, environment } = loaded
  const { overrides, policyDisabled } = overridesOf(flags)
  const { groups, grants, ...resolved } = resolveTargets(definition, asked.targets, {
    overrides: [...flags.set, ...overrides],
    environment: name => environment.get(name),
    fileRelativePaths,
  })
  const off: Partial<Target> = policyDisabled ? { policy: [{ files: [], reset: false, disabled: true }] } : {}
  const targets = new Map<string, Target>()
  const builds = new Map<string, BuildOptions>()
  for (const [name, target] of withSourceDateEpoch(resolved.targets, host.env['SOURCE_DATE_EPOCH'])) {
    const whole = { ...target, ...off }
    const options = toBuildOptions(whole, {
      remoteUrl,
      remoteHasFiles: remoteUrl !== '',
      workingDirectory: host.cwd,
      environmentNames: Object.keys(host.env),
      stdoutIsTerminal: host.stdout.isTTY,
      localPlatform: hostPlatform(),
      stat: path => kindOf(resolve(host.cwd, path)),
    })
    builds.set(name, options)
    targets.set(name, printedTarget(whole, options))
  }
  return { groups, targets, builds, grants }
}

function kindOf(path: string): 'file' | 'directory' | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? undefined : stat.isDirectory() ? 'directory' : 'file'
}

/** Looks at paths as they are on the disk, relative to the working directory. */
export function diskPaths(host: Pick<Host, 'cwd'>): PathEvaluator {
  return { evaluate: path => evaluate(resolve(host.cwd, path)) }
}

function evaluate(path: string): { existing: string; rest: string } {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    return { existing: realpathSync(path), rest: '' }
  const parent = evaluate(dirname(path))
  const name = basename(path)
  return { existing: parent.existing, rest: parent.rest === '' ? name : `${parent.rest}/${name}` }
}
