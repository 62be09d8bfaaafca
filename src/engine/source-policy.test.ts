import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  AttrMatch,
  MatchType,
  type Policy,
  PolicyAction,
  PolicySchema,
} from '../proto/gen/source-policy_pb.ts'
import { applyPolicies } from './source-policy.ts'

type Rules = NonNullable<MessageInitShape<typeof PolicySchema>['rules']>

const policy = (...rules: Rules): Policy => create(PolicySchema, { rules })
const source = (identifier: string, attrs: Record<string, string> = {}) => ({ identifier, attrs })
const alpine = source('docker-image://docker.io/library/alpine:3.20')

test('The last of the rules that match decides between allow and deny.', () => {
  const selector = { identifier: 'docker-image://docker.io/library/*' }
  const deny = { action: PolicyAction.DENY, selector }
  const allow = { action: PolicyAction.ALLOW, selector }
  assert.equal(applyPolicies(alpine, [policy(deny, allow)]), alpine)
  assert.throws(() => applyPolicies(alpine, [policy(allow, deny)]), {
    code: 'permission-denied',
    message:
      'source "docker-image://docker.io/library/alpine:3.20" denied by policy: source denied by policy',
  })
})

test('A conversion takes over what stars and groups matched, and attributes.', () => {
  const wildcard = policy({
    action: PolicyAction.CONVERT,
    selector: { identifier: 'docker-image://docker.io/library/alpine:*' },
    updates: {
      identifier: 'docker-image://mirror.example/alpine:${1}-pinned',
      attrs: { 'image.resolvemode': 'pull' },
    },
  })
  assert.deepEqual(
    applyPolicies(alpine, [wildcard]),
    source('docker-image://mirror.example/alpine:3.20-pinned', { 'image.resolvemode': 'pull' }),
  )
  const pattern = policy({
    action: PolicyAction.CONVERT,
    selector: { identifier: 'alpine:3\\.(\\d+)$', matchType: MatchType.REGEX },
    updates: { identifier: 'alpine:edge-$1' },
  })
  assert.equal(applyPolicies(alpine, [pattern]).identifier, 'docker-image://docker.io/library/alpine:edge-20')
})

test('Constraints on attributes must all hold.', () => {
  const rules = policy({
    action: PolicyAction.DENY,
    selector: {
      identifier: 'https://*',
      constraints: [{ key: 'http.checksum', value: '', condition: AttrMatch.EQUAL }],
    },
  })
  const checked = source('https://example.com/x', { 'http.checksum': 'sha256:1' })
  assert.equal(applyPolicies(checked, [rules]), checked)
  assert.throws(() => applyPolicies(source('https://example.com/x'), [rules]), { code: 'permission-denied' })
})

test('Conversions in a circle are refused.', () => {
  const to = (from: string, identifier: string) => ({
    action: PolicyAction.CONVERT,
    selector: { identifier: from, matchType: MatchType.EXACT },
    updates: { identifier },
  })
  assert.throws(() => applyPolicies(source('a://1'), [policy(to('a://1', 'a://2'), to('a://2', 'a://1'))]), {
    message: 'too many mutations on a single source: too many operations',
  })
})

test('Rules that are broken are refused.', () => {
  const selector = { identifier: alpine.identifier }
  assert.throws(() => applyPolicies(alpine, [policy({ action: PolicyAction.CONVERT, selector })]), {
    message: /missing destination for convert rule/,
  })
  assert.throws(() => applyPolicies(alpine, [policy({ action: 9000 as PolicyAction, selector })]), {
    message: /unknown type/,
  })
  const refusal = (selector: NonNullable<Rules[number]['selector']>): string => {
    try {
      applyPolicies(alpine, [policy({ action: PolicyAction.DENY, selector })])
    } catch (e) {
      return e instanceof Error ? e.message : ''
    }
    return ''
  }
  const wrong = 'error matching source policy'
  assert.equal(
    refusal({ identifier: 'a**' }),
    `${wrong}: failed to translate wildcard "a**" to regexp: invalid wildcard: "**"`,
  )
  assert.equal(
    refusal({ identifier: 'a://(', matchType: MatchType.REGEX }),
    `${wrong}: error parsing regexp: missing closing ): \`a://(\``,
  )
  assert.equal(refusal({ identifier: 'a', matchType: 9 as MatchType }), `${wrong}: unknown match type: 9`)
  const constraints = [{ key: 'a', value: '(', condition: AttrMatch.MATCHES }]
  assert.equal(
    refusal({ identifier: 'a*', constraints }),
    `${wrong}: invalid regex "(": error parsing regexp: missing closing ): \`(\``,
  )
})
