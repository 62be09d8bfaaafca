import { EnvList } from '../../llb/env-list.ts'
import type { ProxySettings } from '../../llb/vertex.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { formatPlatform, formatPlatformAll } from '../../oci/platform.ts'
import type { ArgInstruction } from '../instructions/name-value.ts'
import { locatedError } from '../parser/location.ts'
import type { Lexer } from '../shell/lexer.ts'
import type { ArgUse } from './outline.ts'

type BuildArgs = Readonly<Record<string, string>>

/** Names of the args that are there without being declared before the first FROM. */
export const platformArgNames: readonly string[] = [
  'BUILDPLATFORM',
  'BUILDOS',
  'BUILDOSVERSION',
  'BUILDARCH',
  'BUILDVARIANT',
  'TARGETPLATFORM',
  'TARGETOS',
  'TARGETOSVERSION',
  'TARGETARCH',
  'TARGETVARIANT',
]

/** The automatic args; build args of the same name win. `stage` is the target's name. */
export function automaticArgs(
  build: Platform,
  target: Platform,
  stage: string,
  overrides: BuildArgs,
): EnvList {
  const values = [
    formatPlatform(build),
    build.os,
    build['os.version'] ?? '',
    build.architecture,
    build.variant ?? '',
    formatPlatformAll(target),
    target.os,
    target['os.version'] ?? '',
    target.architecture,
    target.variant ?? '',
  ]
  let args = EnvList.empty
  for (const [i, name] of platformArgNames.entries()) {
    args = args.set(name, buildArg(overrides, name) ?? (values[i] as string))
  }
  return args.set('TARGETSTAGE', buildArg(overrides, 'TARGETSTAGE') ?? (stage === '' ? 'default' : stage))
}

/** The value given for a name; own members only. */
export function buildArg(buildArgs: BuildArgs, name: string): string | undefined {
  return Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined
}

/** The args before the first FROM, added to the automatic ones. Throws `invalid-argument` with their lines. */
export function globalArgs(
  automatic: EnvList,
  instructions: readonly ArgInstruction[],
  buildArgs: BuildArgs,
  lexer: Lexer,
): { args: EnvList; uses: Map<string, ArgUse> } {
  let args = automatic
  const uses = new Map<string, ArgUse>()
  for (const { args: definitions, ranges } of instructions) {
    for (const definition of definitions) {
      const { name } = definition
      let value = buildArg(buildArgs, name)
      let dependencies = new Set<string>()
      if (value === undefined && definition.value !== undefined) {
        const found = lexer.process(definition.value, args)
        if (found.error !== undefined) throw locatedError(found.error, ranges)
        value = found.result
        dependencies = new Set(found.matched)
        if (dependencies.delete(name)) {
          for (const earlier of uses.get(name)?.dependencies ?? []) dependencies.add(earlier)
        }
      }
      if (value !== undefined) args = args.set(name, value)
      uses.set(name, { value: value ?? '', definition: { ...definition, value }, dependencies, ranges })
    }
  }
  return { args, uses }
}

/** Proxy settings among the build args, names in any case; undefined where there is none. */
export function proxyOf(buildArgs: BuildArgs): ProxySettings | undefined {
  const proxy = { http: '', https: '', ftp: '', no: '', all: '' }
  let found = false
  for (const name of Object.keys(buildArgs).sort()) {
    const kind = /^(http|https|ftp|no|all)_proxy$/i.exec(name)?.[1]?.toLowerCase()
    if (kind === undefined) continue
    proxy[kind as keyof typeof proxy] = buildArgs[name] as string
    found = true
  }
  return found ? proxy : undefined
}
