import { wrapError } from '../errors/slipway-error.ts'
import { shlexSplit } from '../gostd/shlex.ts'

/** What decides about a daemon's flags besides the text. */
export interface FlagSituation {
  readonly driver: string
  readonly driverOpts: Readonly<Record<string, string>>
  /** Entitlements that the daemon's configuration grants. */
  readonly configEntitlements: readonly string[]
}

const entitlement = '--allow-insecure-entitlement'
const hostNetwork = `${entitlement}=network.host`

/**
 * The daemon flags of a node: those given, and the host's network where nothing is said about entitlements and the
 * daemon has a network of its own anyway; undefined: none. Source: buildx v0.36.1 builder/builder.go
 */
export function buildkitdFlags(text: string, situation: FlagSituation): readonly string[] | undefined {
  const given = text === '' ? undefined : split(text)
  const granted = grants(given ?? [])
  const { driver, driverOpts, configEntitlements } = situation
  const isContainer = driver === 'docker-container' || driver === 'kubernetes'
  const usesHost = driver === 'docker-container' && driverOpts['network'] === 'host'
  if (usesHost && !granted.includes('network.host')) return [...(given ?? []), hostNetwork]
  if (!usesHost && isContainer && granted.length === 0 && !configEntitlements.includes('network.host')) {
    return [...(given ?? []), hostNetwork]
  }
  return given
}

function split(text: string): string[] {
  try {
    return shlexSplit(text)
  } catch (error) {
    throw wrapError('failed to parse buildkit flags', error)
  }
}

/** What the flags grant, as far as they are read: like buildx, up to the first other flag. */
function grants(flags: readonly string[]): string[] {
  const found: string[] = []
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] ?? ''
    if (flag === entitlement) found.push(...flags.slice(++i, i + 1))
    else if (flag.startsWith(`${entitlement}=`)) found.push(flag.slice(entitlement.length + 1))
    else if (flag.startsWith('-') && flag !== '-') break
  }
  return found
}
