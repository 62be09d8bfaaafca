import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../../../test/support/fuzz.ts'
import { PlainHeaders } from './plain-headers.ts'

const name = fc.oneof(
  fc.constantFrom('a', 'A', 'Set-Cookie', 'x-b', 'content-type', 'grpc-status-details-bin', '', 'a b', 'ü'),
  fc.string({ maxLength: 4 }),
)
const value = fc.oneof(
  fc.constantFrom('', ' a ', '\ta\x1fb', 'a, b', 'x\n', '\r', 'a\nb', '\0', '\xff', '…'),
  fc.string({ maxLength: 6 }),
)
const change = fc.oneof(
  fc.record({ kind: fc.constantFrom('append' as const, 'set' as const), name, value }),
  fc.record({ kind: fc.constant('delete' as const), name, value: fc.constant('') }),
)
type Both = Pick<Headers, 'append' | 'set' | 'delete' | 'get' | 'has' | 'getSetCookie' | 'forEach'> &
  Iterable<[string, string]>

function apply(headers: Both, kind: 'append' | 'set' | 'delete', key: string, text: string): string {
  try {
    if (kind === 'delete') headers.delete(key)
    else headers[kind](key, text)
    return 'done'
  } catch (error) {
    return (error as Error).constructor.name
  }
}

test("They answer like Node's own after any changes.", () => {
  const property = fc.property(fc.array(change, { maxLength: 12 }), changes => {
    const ours: Both = new PlainHeaders()
    const theirs: Both = new Headers()
    for (const { kind, name: key, value: text } of changes)
      assert.equal(apply(ours, kind, key, text), apply(theirs, kind, key, text), `${kind} ${key} ${text}`)
    assert.deepEqual([...ours], [...theirs])
    assert.deepEqual(ours.getSetCookie(), theirs.getSetCookie())
    for (const [key] of theirs) {
      assert.equal(ours.get(key.toUpperCase()), theirs.get(key))
      assert.equal(ours.has(key), true)
    }
    assert.equal(ours.get('absent'), null)
    const seen: string[] = []
    ours.forEach((text, key) => seen.push(key, text))
    assert.deepEqual(seen, [...theirs].flat())
  })
  fc.assert(property, { numRuns: 500 })
})

test('They are made of pairs, of a record and of other headers.', () => {
  const pairs: [string, string][] = [
    ['B', '1'],
    ['a', '2'],
    ['b', '3'],
  ]
  const ours = new PlainHeaders(pairs)
  assert.deepEqual([...new PlainHeaders(ours)], [...new Headers(pairs)])
  assert.deepEqual([...new PlainHeaders({ B: '1', a: '2' })], [...new Headers({ B: '1', a: '2' })])
  assert.deepEqual([...ours.keys()], ['a', 'b'])
  assert.deepEqual([...ours.values()], ['2', '1, 3'])
})
