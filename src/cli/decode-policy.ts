import { create } from '@bufbuild/protobuf'
import { SlipwayError } from '../errors/slipway-error.ts'
import { type JsonNode, parseJson } from '../gostd/parse-json.ts'
import { quote } from '../gostd/quote.ts'
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
  const root = parseJson(text)
  const errors: SlipwayError[] = []
  const policy = policyOf({ node: root, path: [], owner: '', refuse: error => errors.push(error) })
  if (errors[0] !== undefined) throw errors[0]
  return policy
}

/** A value on its way, the names that led to it, and the structure whose field it is. */
interface Place {
  readonly node: JsonNode
  readonly path: readonly string[]
  readonly owner: string
  /** Types that do not fit are said at the end: a broken enumeration comes before them. */
  refuse(error: SlipwayError): void
}

const packageName = 'moby_buildkit_v1_sourcepolicy'

function policyOf(place: Place): Policy {
  const policy = create(PolicySchema)
  eachField(place, 'Policy', `${packageName}.Policy`, {
    version: at => (policy.version = integer(at) ?? policy.version),
    rules: at => (policy.rules = list(at, 'Rule', ruleOf)),
  })
  return policy
}

function ruleOf(place: Place): Rule {
  const rule = create(RuleSchema)
  eachField(place, 'Rule', `${packageName}.Rule`, {
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

function selectorOf(place: Place): Selector {
  const selector = create(SelectorSchema)
  eachField(place, 'Selector', `${packageName}.Selector`, {
    identifier: at => (selector.identifier = string(at) ?? selector.identifier),
    match_type: at => (selector.matchType = enumeration(at, MatchType, 'MatchType', selector.matchType)),
    constraints: at => (selector.constraints = list(at, 'AttrConstraint', constraintOf)),
  })
  return selector
}

function constraintOf(place: Place): AttrConstraint {
  const constraint = create(AttrConstraintSchema)
  eachField(place, 'AttrConstraint', `${packageName}.AttrConstraint`, {
    key: at => (constraint.key = string(at) ?? constraint.key),
    value: at => (constraint.value = string(at) ?? constraint.value),
    condition: at => {
      constraint.condition = enumeration(at, AttrMatch, 'AttrMatch', constraint.condition)
    },
  })
  return constraint
}

function updateOf(place: Place): Update {
  const update = create(UpdateSchema)
  eachField(place, 'Update', `${packageName}.Update`, {
    identifier: at => (update.identifier = string(at) ?? update.identifier),
    attrs: at => {
      if (at.node.kind !== 'object') return mismatch(at, 'map[string]string')
      for (const [key, node] of at.node.members) update.attrs[key] = string({ ...at, node }) ?? ''
    },
  })
  return update
}

function eachField(
  place: Place,
  owner: string,
  type: string,
  fields: Readonly<Record<string, (at: Place) => unknown>>,
): void {
  const { node } = place
  if (node.kind !== 'object') return mismatch(place, type)
  for (const [key, member] of node.members) {
    const name = Object.hasOwn(fields, key) ? key : key.toLowerCase()
    if (!Object.hasOwn(fields, name)) continue
    fields[name]?.({ ...place, node: member, owner, path: [...place.path, name] })
  }
}

function list<T>(place: Place, type: string, read: (at: Place) => T): T[] {
  const { node } = place
  if (node.kind === 'array') return node.items.map(item => read({ ...place, node: item }))
  mismatch(place, `[]*${packageName}.${type}`)
  return []
}

function string(place: Place): string | undefined {
  if (place.node.kind === 'string') return place.node.text.toWellFormed()
  mismatch(place, 'string')
  return undefined
}

function integer(place: Place): bigint | undefined {
  const { node } = place
  const value = node.kind === 'number' && /^-?\d+$/.test(node.raw) ? BigInt(node.raw) : undefined
  if (value !== undefined && BigInt.asIntN(64, value) === value) return value
  mismatch(place, 'int64', node.kind === 'number' ? `number ${node.raw}` : node.kind)
  return undefined
}

/** A name or a number that is known. Throws where Go does: at once, and with the name of the value there was before. */
function enumeration<E extends number>(
  { node }: Place,
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

/** Nothing happens to a value that null is given to. */
function mismatch(place: Place, type: string, what: string = place.node.kind): void {
  if (place.node.kind === 'null') return
  const into =
    place.path.length === 0
      ? `Go value of type ${type}`
      : `Go struct field ${place.owner}.${place.path.join('.')} of type ${type}`
  place.refuse(invalid(`json: cannot unmarshal ${what} into ${into}`))
}

const rawQuote = (text: string): string => (text.includes('`') ? quote(text) : `\`${text}\``)

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
