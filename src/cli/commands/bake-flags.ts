import { parseBool } from '../../gostd/parse-number.ts'
import type { FlagSet } from '../../gostd/pflag/flag-set.ts'
import { boolType } from '../../gostd/pflag/flag-type.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { declareCommonBuildFlags } from './build-flags.ts'

/** The flags of `bake` as given. */
export interface BakeFlags {
  readonly allow: readonly string[]
  /** Method of evaluation; `--check` sets it too, the last one wins. */
  readonly call: string
  readonly file: readonly string[]
  /** Value of `--list`, empty when not given. */
  readonly list: string
  readonly load: boolean
  readonly metadataFile: string
  /** Undefined when not given: then every target decides for itself. */
  readonly noCache: boolean | undefined
  readonly policy: readonly string[]
  readonly print: boolean
  readonly progress: string
  /** Empty when not given. */
  readonly provenance: string
  readonly pull: boolean | undefined
  readonly push: boolean
  /** Empty when not given. */
  readonly sbom: string
  readonly set: readonly string[]
  readonly variables: readonly string[]
}

/** Declares the flags of `bake`, names and types as in buildx 0.36.1; answers how to read them. */
export function declareBakeFlags(set: FlagSet): () => BakeFlags {
  const lists = {
    allow: set.stringArray('allow', {
      usage: 'Grant a privilege to the builds ("network.host", "fs.read=path")',
    }),
    file: set.stringArray('file', { shorthand: 'f', usage: 'File that defines what to build' }),
    policy: set.stringArray('policy', {
      usage:
        'How policies of the file are applied (format: "[disabled=true|false][,strict=true|false][,log-level=level]")',
    }),
    set: set.stringArray('set', { usage: 'Override a value of targets (e.g., "targetpattern.key=value")' }),
    variables: set.stringArray('var', { usage: 'Set a variable (e.g., "name=value")' }),
  }
  const texts = {
    provenance: set.string('provenance', { usage: 'Short for "--set=*.attest=type=provenance"' }),
    sbom: set.string('sbom', { usage: 'Short for "--set=*.attest=type=sbom"' }),
  }
  const switches = {
    load: set.bool('load', { usage: 'Short for "--set=*.output=type=docker". Conditional.' }),
    print: set.bool('print', { usage: 'Print what would be built, without building' }),
    push: set.bool('push', { usage: 'Short for "--set=*.output=type=registry". Conditional.' }),
  }
  const call = declareCall(set)
  const list = declareList(set)
  const common = declareCommonBuildFlags(set)
  return () => {
    const { metadataFile, progress, noCache, pull } = common()
    const given = (name: string, value: boolean): boolean | undefined =>
      set.lookup(name)?.changed === true ? value : undefined
    return {
      ...flagValues(lists),
      ...flagValues(texts),
      ...flagValues(switches),
      metadataFile,
      progress,
      noCache: given('no-cache', noCache),
      pull: given('pull', pull),
      call: call(),
      list: list(),
    }
  }
}

function declareCall(set: FlagSet): () => string {
  const call = set.string('call', {
    usage: 'What to do in place of building ("check", "outline", "targets")',
    initial: 'build',
  })
  const check = (text: string): boolean => {
    const wanted = parseBool(text)
    if (wanted) call.set('check')
    return wanted
  }
  set.add('check', { ...boolType, parse: check }, { usage: 'Short for "--call=check"' })
  return () => call.value
}

function declareList(set: FlagSet): () => string {
  const list = set.string('list', { usage: 'List targets or variables' })
  const older = (name: string, what: string) =>
    set.bool(name, {
      usage: `List ${what}`,
      hidden: true,
      deprecated: `${name} is deprecated, use list=${what} instead`,
    })
  const targets = older('list-targets', 'targets')
  const variables = older('list-variables', 'variables')
  return () => list.value || (targets.value ? 'targets' : variables.value ? 'variables' : '')
}
