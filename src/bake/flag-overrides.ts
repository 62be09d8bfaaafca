import { SlipwayError } from '../errors/slipway-error.ts'
import { canonicalAttest } from './attrs/attest-entry.ts'
import { parseCallFunction } from './attrs/call-function.ts'
import { parsePolicyEntry } from './attrs/policy-entry.ts'

/** Flags of `bake` that say something about every target; absent where they were not given. */
export interface TargetFlags {
  readonly push?: boolean
  readonly load?: boolean
  readonly noCache?: boolean
  readonly pull?: boolean
  readonly sbom?: string
  readonly provenance?: string
  readonly call?: string
  readonly policy?: readonly string[]
}

/** What the flags amount to. */
export interface FlagOverrides {
  /** Values as of `--set`, to go behind those given. */
  readonly overrides: readonly string[]
  /** `--policy disabled=true`: no policy of any target counts. */
  readonly policyDisabled: boolean
}

/** The flags as values of `--set`. Throws `invalid-argument` for a `--call` or `--policy` that bake does not take. */
export function flagOverrides(flags: TargetFlags): FlagOverrides {
  const call = parseCallFunction(flags.call ?? '')
  const policy = policyOverrides(flags.policy ?? [])
  const overrides: string[] = []
  if (flags.push === true) overrides.push('*.push=true')
  if (flags.load === true) overrides.push('*.load=true')
  if (call !== undefined) overrides.push(`*.call=${call.name}`)
  if (flags.noCache !== undefined) overrides.push(`*.no-cache=${flags.noCache}`)
  if (flags.pull !== undefined) overrides.push(`*.pull=${flags.pull}`)
  for (const type of ['sbom', 'provenance'] as const) {
    const value = flags[type]
    if (value !== undefined && value !== '') overrides.push(`*.attest=${canonicalAttest(type, value)}`)
  }
  return { overrides: [...overrides, ...(policy ?? [])], policyDisabled: policy === undefined }
}

/** `undefined` when policies are disabled altogether. */
function policyOverrides(values: readonly string[]): readonly string[] | undefined {
  const entries = values.map(parsePolicyEntry)
  for (const e of entries) {
    if (e.files.length > 0)
      throw invalid('--policy does not accept filename; define policy files in the bake definition')
    if (e.reset)
      throw invalid('--policy does not accept reset; define policy composition in the bake definition')
    if (!e.disabled) continue
    if (e.strict !== undefined || e.logLevel !== undefined || entries.length > 1) {
      throw invalid('disabled policy cannot be combined with other policy flags')
    }
    return undefined
  }
  return values.map(v => `*.policy+=${v}`)
}

/** Reads the values of `--var`, `name=value`. Throws `invalid-argument`. */
export function parseVariables(values: readonly string[]): ReadonlyMap<string, string> {
  const variables = new Map<string, string>()
  for (const value of values) {
    if (value === '') continue
    const at = value.indexOf('=')
    if (at < 0) throw invalid(`invalid variable ${JSON.stringify(value)}, expected key=value`)
    if (at === 0) throw invalid(`invalid variable ${JSON.stringify(value)}, key is empty`)
    variables.set(value.slice(0, at), value.slice(at + 1))
  }
  return variables
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
