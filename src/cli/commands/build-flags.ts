import { parseBool } from '../../gostd/parse-number.ts'
import type { FlagSet } from '../../gostd/pflag/flag-set.ts'
import { boolType, stringType } from '../../gostd/pflag/flag-type.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import type { Ulimit } from '../../gostd/ulimit.ts'
import type { Host } from '../host.ts'
import { bytesType, ulimitType } from './value-types.ts'

/** Flags that `build` and `bake` share. */
export interface CommonBuildFlags {
  readonly metadataFile: string
  readonly noCache: boolean
  readonly progress: string
  readonly pull: boolean
}

/** The flags of `build` as given; values with a grammar of their own (CSV, references) are still texts. */
export interface BuildFlags extends CommonBuildFlags {
  readonly addHost: readonly string[]
  readonly allow: readonly string[]
  readonly annotation: readonly string[]
  readonly attest: readonly string[]
  readonly buildArg: readonly string[]
  readonly buildContext: readonly string[]
  readonly cacheFrom: readonly string[]
  readonly cacheTo: readonly string[]
  /** Method of evaluation, `build` when none was asked for; `--check` and `--print` set it too, the last one wins. */
  readonly call: string
  readonly cgroupParent: string
  readonly file: string
  readonly iidFile: string
  readonly label: readonly string[]
  readonly load: boolean
  readonly network: string
  readonly noCacheFilter: readonly string[]
  readonly output: readonly string[]
  /** Each element may be a comma list. */
  readonly platform: readonly string[]
  readonly policy: readonly string[]
  /** Empty when not given. */
  readonly provenance: string
  readonly push: boolean
  readonly quiet: boolean
  /** `--resource` values, then those of the older flags (`--memory 2g` is `memory=2g`). */
  readonly resource: readonly string[]
  /** Empty when not given. */
  readonly sbom: string
  readonly secret: readonly string[]
  /** Bytes, 0 when not given. */
  readonly shmSize: number
  readonly ssh: readonly string[]
  readonly tag: readonly string[]
  readonly target: string
  /** Sorted by name. */
  readonly ulimit: readonly Ulimit[]
  /** Notes about flags that were given and have no effect. */
  readonly warnings: readonly string[]
}

/** Declares the flags that `build` and `bake` share. */
export function declareCommonBuildFlags(set: FlagSet): () => CommonBuildFlags {
  const metadataFile = set.string('metadata-file', { usage: 'Write metadata of the result to this file' })
  const noCache = set.bool('no-cache', { usage: 'Run every step anew instead of using the cache' })
  const progress = set.string('progress', {
    usage:
      'How to show progress ("auto", "none", "plain", "quiet", "rawjson", "tty"). Plain shows all output of the steps',
    initial: 'auto',
  })
  const pull = set.bool('pull', { usage: 'Look for newer versions of all images in their registries' })
  return () => flagValues({ metadataFile, noCache, progress, pull })
}

/** Declares the flags of `build`, names and types as in buildx 0.36.1; answers how to read them. */
export function declareBuildFlags(set: FlagSet, env: Host['env']): () => BuildFlags {
  const lists = declareLists(set, env)
  const texts = declareTexts(set)
  const switches = declareSwitches(set)
  const limits = declareLimits(set)
  const call = declareCall(set)
  const warnings = declareIgnored(set)
  const common = declareCommonBuildFlags(set)
  return () => ({
    ...flagValues(lists),
    ...flagValues(texts),
    ...flagValues(switches),
    ...limits(),
    ...common(),
    call: call(),
    warnings: warnings(),
  })
}

function declareLists(set: FlagSet, env: Host['env']) {
  const platform = env['DOCKER_DEFAULT_PLATFORM'] ?? ''
  return {
    addHost: set.stringSlice('add-host', {
      usage: 'Add a name to /etc/hosts of the steps (format: "host:ip")',
    }),
    allow: set.stringArray('allow', {
      usage:
        'Grant a privilege to the build ("network.host", "security.insecure", "device", "buildx.local.delete")',
    }),
    annotation: set.stringArray('annotation', { usage: 'Add an annotation to the image' }),
    attest: set.stringArray('attest', { usage: 'Attestation to make (format: "type=sbom,generator=image")' }),
    buildArg: set.stringArray('build-arg', { usage: 'Set a build argument' }),
    buildContext: set.stringArray('build-context', { usage: 'Add a named context (e.g., name=path)' }),
    cacheFrom: set.stringArray('cache-from', {
      usage: 'Cache to read (e.g., "user/app:cache", "type=local,src=path/to/dir")',
    }),
    cacheTo: set.stringArray('cache-to', {
      usage: 'Where to write the cache (e.g., "user/app:cache", "type=local,dest=path/to/dir")',
    }),
    label: set.stringArray('label', { usage: 'Add a label to the image' }),
    noCacheFilter: set.stringArray('no-cache-filter', { usage: 'Stages to run without the cache' }),
    output: set.stringArray('output', {
      shorthand: 'o',
      usage: 'Where the result goes (format: "type=local,dest=path")',
    }),
    platform: set.stringArray('platform', {
      usage: 'Platforms to build for',
      ...(platform === '' ? {} : { initial: [platform] }),
    }),
    policy: set.stringArray('policy', {
      usage:
        'Policy to apply (format: "filename=path[,filename=path][,reset=true|false][,disabled=true|false][,strict=true|false][,log-level=level]")',
    }),
    secret: set.stringArray('secret', {
      usage: 'Secret that steps may mount (format: "id=mysecret[,src=/local/secret]")',
    }),
    ssh: set.stringArray('ssh', {
      usage: 'SSH agent or keys that steps may mount (format: "default|<id>[=<socket>|<key>[,<key>]]")',
    }),
    tag: set.stringArray('tag', {
      shorthand: 't',
      usage: 'Name of the image (format: "[registry/]repository[:tag]")',
    }),
  }
}

function declareTexts(set: FlagSet) {
  return {
    cgroupParent: set.string('cgroup-parent', { usage: 'Control group above that of the "RUN" steps' }),
    file: set.string('file', { shorthand: 'f', usage: 'Dockerfile to build (default: "PATH/Dockerfile")' }),
    iidFile: set.string('iidfile', { usage: 'Write the ID of the image to this file' }),
    network: set.string('network', { usage: 'Network of the "RUN" steps', initial: 'default' }),
    provenance: set.string('provenance', { usage: 'Short for "--attest=type=provenance"' }),
    sbom: set.string('sbom', { usage: 'Short for "--attest=type=sbom"' }),
    target: set.string('target', { usage: 'Stage to build' }),
  }
}

function declareSwitches(set: FlagSet) {
  return {
    load: set.bool('load', { usage: 'Short for "--output=type=docker"' }),
    push: set.bool('push', { usage: 'Short for "--output=type=registry,unpack=false"' }),
    quiet: set.bool('quiet', {
      shorthand: 'q',
      usage: 'Show no progress, print the ID of the image at the end',
    }),
  }
}

function declareLimits(set: FlagSet): () => Pick<BuildFlags, 'shmSize' | 'ulimit' | 'resource'> {
  const shmSize = set.add('shm-size', bytesType, { usage: 'Size of /dev/shm in the steps' })
  const ulimit = set.add('ulimit', ulimitType, { usage: 'Limits of the processes in the steps' })
  const resource = set.stringArray('resource', {
    usage: 'Resources that a step may use (format: "memory=2g", "cpu-quota=50000")',
  })
  const older = [
    ['memory', 'm'],
    ['memory-swap', ''],
    ['cpu-shares', 'c'],
    ['cpu-period', ''],
    ['cpu-quota', ''],
    ['cpuset-cpus', ''],
    ['cpuset-mems', ''],
  ] as const
  const given: string[] = []
  for (const [name, shorthand] of older) {
    const parse = (text: string): string => {
      given.push(`${name}=${text}`)
      return text
    }
    set.add(
      name,
      { ...stringType, parse },
      { shorthand, usage: `Short for "--resource ${name}="`, hidden: true },
    )
  }
  return () => ({
    shmSize: shmSize.value,
    ulimit: ulimit.value,
    resource: [...resource.value, ...given],
  })
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
  const print = (text: string): string => {
    call.set(text)
    return text
  }
  set.add('check', { ...boolType, parse: check }, { usage: 'Short for "--call=check"' })
  set.add('print', { ...stringType, parse: print }, { usage: 'Older name of "--call"', hidden: true })
  return () => call.value
}

/** Flags of older engines: accepted, some of them with a note. */
function declareIgnored(set: FlagSet): () => string[] {
  const hidden = { usage: 'Has no effect', hidden: true }
  set.bool('compress', hidden)
  set.bool('rm', { ...hidden, initial: true })
  set.bool('force-rm', hidden)
  const noted: readonly (readonly [{ readonly changed: boolean }, string])[] = [
    [set.string('isolation', hidden), 'isolation flag is deprecated with BuildKit.'],
    [
      set.stringSlice('security-opt', hidden),
      'security-opt flag is deprecated. "RUN --security=insecure" should be used with BuildKit.',
    ],
    [
      set.bool('squash', hidden),
      'experimental flag squash is removed with BuildKit. You should squash inside build using a multi-stage Dockerfile for efficiency.',
    ],
  ]
  return () => noted.filter(([flag]) => flag.changed).map(([, note]) => note)
}
