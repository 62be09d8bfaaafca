import { tryParseBool } from '../gostd/parse-number.ts'
import type { Flag } from '../gostd/pflag/flag.ts'
import { FlagSet } from '../gostd/pflag/flag-set.ts'
import { anyZero, type FlagType, stringType } from '../gostd/pflag/flag-type.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Host } from './host.ts'

/** How to reach docker, as given before the word `buildx`; what was not given comes from the environment later. */
export interface DockerOptions {
  /** `--config`: the folder of docker's client configuration. */
  readonly config: string | undefined
  /** `--context`. */
  readonly context: string | undefined
  /** `--host`. */
  readonly host: string | undefined
  readonly logLevel: string
  readonly tls: boolean
  /** Undefined when `--tlsverify` was not given at all. */
  readonly tlsVerify: boolean | undefined
  readonly tlsCaCert: string | undefined
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
}

/** What stands for every command. */
export interface GlobalOptions {
  /** `--builder`, else BUILDX_BUILDER, else empty. */
  readonly builder: string
  readonly debug: boolean
  readonly docker: DockerOptions
}

/** The flags that every command has. */
export interface PersistentFlags {
  readonly builder: Flag<string>
  readonly debug: Flag<boolean>
}

/** Declares them in a set. */
export function persistentFlags(set: FlagSet, env: Host['env']): PersistentFlags {
  return {
    builder: set.string('builder', {
      usage: 'Use this builder instead of the selected one',
      initial: env['BUILDX_BUILDER'] ?? '',
    }),
    debug: set.bool('debug', {
      shorthand: 'D',
      usage: 'Print debugging output',
      initial: (env['DEBUG'] ?? '') !== '',
    }),
  }
}

/** Flags that docker takes before the name of a plugin, as a set that stops at the first argument. */
export interface DockerFlags {
  readonly set: FlagSet
  readonly read: () => { readonly docker: DockerOptions; readonly debug: boolean }
}

/** `--host` may be given once. */
const hostType: FlagType<string> = {
  ...stringType,
  zeroTexts: anyZero,
  parse: (text, _current, changed) => {
    if (changed) throw new SlipwayError('invalid-argument', 'specify only one -H')
    return text
  },
}

/** The docker flags of https://github.com/docker/cli/blob/v29.1.3/cli/flags/options.go. */
export function dockerFlags(env: Host['env'], warn: (line: string) => void): DockerFlags {
  const set = new FlagSet({ interspersed: false, warn })
  const config = set.string('config', { usage: 'Folder of the client configuration' })
  const debug = set.bool('debug', { shorthand: 'D', usage: 'Print debugging output' })
  const logLevel = set.string('log-level', { shorthand: 'l', usage: 'Level of the log', initial: 'info' })
  const tls = set.bool('tls', { usage: 'Use TLS', initial: (env['DOCKER_TLS'] ?? '') !== '' })
  const tlsVerify = set.bool('tlsverify', {
    usage: 'Use TLS and check the certificate of the daemon',
    initial: (env['DOCKER_TLS_VERIFY'] ?? '') !== '',
  })
  const caCert = set.string('tlscacert', { usage: 'Trust only certificates signed by this CA' })
  const cert = set.string('tlscert', { usage: 'File of the TLS certificate' })
  const key = set.string('tlskey', { usage: 'File of the TLS key' })
  const host = set.add('host', hostType, { shorthand: 'H', usage: 'Socket of the daemon' })
  const context = set.string('context', { shorthand: 'c', usage: 'Docker context to use' })
  const given = (flag: Flag<string>): string | undefined => (flag.changed ? flag.value : undefined)
  return {
    set,
    read: () => ({
      debug: debug.value,
      docker: {
        config: given(config),
        context: given(context),
        host: given(host),
        logLevel: logLevel.value,
        tls: tls.value,
        tlsVerify: tlsVerify.changed || tlsVerify.value ? tlsVerify.value : undefined,
        tlsCaCert: given(caCert),
        tlsCert: given(cert),
        tlsKey: given(key),
      },
    }),
  }
}

/** Whether experimental commands and flags are shown. */
export function isExperimental(env: Host['env']): boolean {
  return tryParseBool(env['BUILDX_EXPERIMENTAL'] ?? '') === true
}
