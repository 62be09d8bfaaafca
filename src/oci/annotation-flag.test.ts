import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseAnnotationFlags } from './annotation-flag.ts'

const parse = (...values: string[]) => parseAnnotationFlags(values, { architecture: 'amd64', os: 'linux' })

describe('parseAnnotationFlags', () => {
  it('reads keys with and without types and platforms', () => {
    const platform = { architecture: 'arm64', os: 'linux' }
    assert.deepEqual(parse('a=b', 'index:k:x=v=w', 'manifest[linux/arm64],manifest-descriptor:k=', ''), [
      { key: 'a', value: 'b' },
      { type: 'index', key: 'k:x', value: 'v=w' },
      { type: 'manifest', platform, key: 'k', value: '' },
      { type: 'manifest-descriptor', key: 'k', value: '' },
    ])
  })

  it('lets the last of equal ones win', () => {
    assert.deepEqual(parse('index:a=1', 'a=2', 'index:a=3'), [
      { type: 'index', key: 'a', value: '3' },
      { key: 'a', value: '2' },
    ])
  })

  const refused: readonly [value: string, message: string][] = [
    ['foo', 'invalid annotation "foo", expected key=value'],
    ['x:a=b', 'unknown annotation type "x"'],
    ['Index:a=b', 'invalid annotation type "Index", expected type and optional platform in square brackets'],
    [
      'index[nope]:a=b',
      'invalid platform "nope": "nope": unknown operating system or architecture: invalid argument',
    ],
  ]
  for (const [value, message] of refused) {
    it(`refuses ${value}`, () => assert.throws(() => parse(value), { code: 'invalid-argument', message }))
  }
})
