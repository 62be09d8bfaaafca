import { create } from '@bufbuild/protobuf'
import { SlipwayError } from '../errors/slipway-error.ts'
import { parseJson } from '../gostd/parse-json.ts'
import { quote } from '../gostd/quote.ts'
import { eachField, integer, type JsonPlace, list, mismatch, string, unmarshal } from '../gostd/unmarshal.ts'
import {
  type AttrConstraint,
  AttrConstraintSchema,
  AttrMatch,
  MatchType,
  type Policy,
  PolicyAction,
  PolicySchema,
  type Rule,
  RuleSchema,
  type Selector,
  SelectorSchema,
  type Update,
  UpdateSchema,
} from '../proto/gen/source-policy_pb.ts'

/**
 * Rules about sources from JSON, as buildx reads them: by Go's encoding/json, so that names are those of the definition
 * (`match_type`) in any case, unknown ones say nothing, and values of enumerations are names in capitals or numbers.
 * Throws `invalid-argument` in Go's words; a rule is never understood as something else.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/sourcepolicy/pb/json.go
 */
export function decodePolicy(text: string): Policy {
  return unmarshal(parseJson(text), policyOf)
}

const packageName = 'moby_buildkit_v1_sourcepolicy'

const namesOf = (owner: string) => ({ owner, type: `${packageName}.${owner}` })

function policyOf(place: JsonPlace): Policy {
  const policy = create(PolicySchema)
  eachField(place, namesOf('Policy'), {
    version: at => (policy.version = integer(at) ?? policy.version),
    rules: at => (policy.rules = list(at, `[]*${packageName}.Rule`, ruleOf)),
  })
  return policy
}

function ruleOf(place: JsonPlace): Rule {
  const rule = create(RuleSchema)
  eachField(place, namesOf('Rule'), {
    action: at => (rule.action = enumeration(at, PolicyAction, 'PolicyAction', rule.action)),
    selector: at => {
      if (at.node.kind === 'null') delete rule.selector
      else rule.selector = selectorOf(at)
    },
    updates: at => {
      if (at.node.kind === 'null') delete rule.updates
      else rule.updates = updateOf(at)
    },
  })
  return rule
}

function selectorOf(place: JsonPlace): Selector {
  const selector = create(SelectorSchema)
  eachField(place, namesOf('Selector'), {
    identifier: at => (selector.identifier = string(at) ?? selector.identifier),
    match_type: at => (selector.matchType = enumeration(at, MatchType, 'MatchType', selector.matchType)),
    constraints: at => (selector.constraints = list(at, `[]*${packageName}.AttrConstraint`, constraintOf)),
  })
  return selector
}

function constraintOf(place: JsonPlace): AttrConstraint {
  const constraint = create(AttrConstraintSchema)
  eachField(place, namesOf('AttrConstraint'), {
    key: at => (constraint.key = string(at) ?? constraint.key),
    value: at => (constraint.value = string(at) ?? constraint.value),
    condition: at => {
      constraint.condition = enumeration(at, AttrMatch, 'AttrMatch', constraint.condition)
    },
  })
  return constraint
}

function updateOf(place: JsonPlace): Update {
  const update = create(UpdateSchema)
  eachField(place, namesOf('Update'), {
    identifier: at => (update.identifier = string(at) ?? update.identifier),
    attrs: at => {
      if (at.node.kind !== 'object') return mismatch(at, 'map[string]string')
      for (const [key, node] of at.node.members) update.attrs[key] = string({ ...at, node }) ?? ''
    },
  })
  return update
}

/** A name or a number that is known. Throws where Go does: at once, and with the name of the value there was before. */
function enumeration<E extends number>(
  { node }: JsonPlace,
  known: Readonly<Record<string, E>>,
  name: string,
  before: E,
): E {
  if (node.kind === 'null') return 0 as E
  const nameOf = (value: number): string | undefined =>
    Object.entries(known).find(([, one]) => one === value)?.[0]
  if (node.kind === 'string') {
    const value = Object.hasOwn(known, node.text) ? known[node.text] : undefined
    if (value !== undefined) return value
    throw invalid(`unrecognized enum ${nameOf(before)} value ${quote(node.text)}`)
  }
  const value = node.kind === 'number' && /^-?\d+$/.test(node.raw) ? Number(node.raw) : Number.NaN
  if ((value | 0) !== value)
    throw invalid(`cannot unmarshal ${rawQuote(node.raw)} into enum ${nameOf(before)}`)
  if (nameOf(value) === undefined) throw invalid(`invalid ${name} value: ${value}`)
  return value as E
}

const rawQuote = (text: string): string => (text.includes('`') ? quote(text) : `\`${text}\``)

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
