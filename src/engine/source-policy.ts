import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { Regexp } from '../hcl/regexp/regexp.ts'
import type { SourceOp } from '../proto/gen/ops_pb.ts'
import {
  AttrMatch,
  MatchType,
  type Policy,
  PolicyAction,
  type Rule,
  type Selector,
} from '../proto/gen/source-policy_pb.ts'

/** A source as policies see and change it. */
export interface PolicySource {
  readonly identifier: string
  readonly attrs: Readonly<Record<string, string>>
}

/** Conversions of one source; more of them are a circle. */
const mostConversions = 20

/**
 * Applies policies to a source: the last of `allow` and `deny` that matches counts, a conversion starts over with what
 * became of the source. Throws `permission-denied` (`source "x" denied by policy: source denied by policy`) and
 * `invalid-argument` for rules that are broken.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/sourcepolicy/engine.go
 */
export function applyPolicies(source: PolicySource, policies: readonly Policy[]): PolicySource {
  let current = source
  for (let i = 0; ; i++) {
    if (i > mostConversions) throw invalid('too many mutations on a single source: too many operations')
    const next = firstConversion(current, policies)
    if (next === undefined) return current
    current = next
  }
}

/** Policies that lack something are refused. Their version says nothing, as in BuildKit. */
export function checkPolicies(policies: readonly Policy[]): void {
  for (const policy of policies) {
    for (const rule of policy.rules) {
      if (rule.selector === undefined) throw invalid('invalid nil selector in policy')
    }
  }
}

function firstConversion(source: PolicySource, policies: readonly Policy[]): PolicySource | undefined {
  for (const policy of policies) {
    const converted = applyPolicy(source, policy)
    if (converted !== undefined) return converted
  }
  return undefined
}

function applyPolicy(source: PolicySource, policy: Policy): PolicySource | undefined {
  let denied = false
  for (const rule of policy.rules) {
    const { selector } = rule
    if (selector === undefined || !isMatch(selector, source)) continue
    if (rule.action === PolicyAction.CONVERT) {
      const converted = convert(source, rule, selector)
      if (converted !== undefined) return converted
    } else if (rule.action === PolicyAction.DENY) denied = true
    else if (rule.action === PolicyAction.ALLOW) denied = false
    else {
      const { identifier } = selector
      throw invalid(
        `source policy: rule ${Number(rule.action)} ${identifier}: unknown type ${JSON.stringify(source.identifier)}`,
      )
    }
  }
  if (!denied) return undefined
  const name = JSON.stringify(source.identifier)
  throw new SlipwayError('permission-denied', `source ${name} denied by policy: source denied by policy`)
}

function isMatch(selector: Selector, source: PolicySource): boolean {
  try {
    return matches(selector, source)
  } catch (e) {
    throw wrapError('error matching source policy', e)
  }
}

function matches(selector: Selector, { identifier, attrs }: PolicySource): boolean {
  for (const { key, value, condition } of selector.constraints) {
    const actual = attrs[key] ?? ''
    if (condition === AttrMatch.EQUAL && actual !== value) return false
    if (condition === AttrMatch.NOTEQUAL && actual === value) return false
    if (condition === AttrMatch.MATCHES && constraint(value).find(actual) === undefined) return false
  }
  if (selector.identifier === identifier) return true
  if (selector.matchType === MatchType.EXACT) return false
  return pattern(selector).find(identifier) !== undefined
}

function convert(source: PolicySource, { updates }: Rule, selector: Selector): PolicySource | undefined {
  if (updates === undefined)
    throw invalid('error mutating source policy: missing destination for convert rule')
  const template = updates.identifier === '' ? selector.identifier : updates.identifier
  const isPattern =
    selector.matchType !== MatchType.EXACT && pattern(selector).find(source.identifier) !== undefined
  const isLiteral = selector.matchType === MatchType.EXACT
  const target = isLiteral
    ? template
    : isPattern
      ? pattern(selector).replaceAll(source.identifier, template)
      : source.identifier
  const identifier = target === '' ? source.identifier : target
  const attrs = { ...source.attrs, ...updates.attrs }
  const isSame =
    identifier === source.identifier &&
    Object.entries(updates.attrs).every(([key, value]) => source.attrs[key] === value)
  return isSame ? undefined : { identifier, attrs }
}

/** A wildcard is a pattern whose stars are groups. */
function pattern(selector: Selector): Regexp {
  const { identifier, matchType } = selector
  if (matchType === MatchType.REGEX) return compile(identifier)
  if (matchType !== MatchType.WILDCARD) throw invalid(`unknown match type: ${Number(matchType)}`)
  if (identifier.includes('**')) {
    throw invalid(
      `failed to translate wildcard ${JSON.stringify(identifier)} to regexp: invalid wildcard: "**"`,
    )
  }
  return compile(`^${identifier.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&').replaceAll('\\*', '(.*)')}$`)
}

function constraint(text: string): Regexp {
  try {
    return compile(text)
  } catch (e) {
    throw invalid(`invalid regex ${JSON.stringify(text)}: ${messageOf(e)}`)
  }
}

function compile(text: string): Regexp {
  try {
    return new Regexp(text)
  } catch (e) {
    throw invalid(messageOf(e))
  }
}

const messageOf = (e: unknown): string => (e instanceof Error ? e.message : String(e))

/** The source of a message, for policies. */
export function policySource(op: SourceOp): PolicySource {
  return { identifier: op.identifier, attrs: op.attrs }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
