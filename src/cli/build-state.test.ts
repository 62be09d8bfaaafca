import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildState } from './build-state.ts'

describe('what is noted of a build', () => {
  const cases: readonly (readonly [context: string, dockerfile: string | undefined, string, string])[] = [
    ['.', undefined, '/w', ''],
    ['sub', 'sub/x.Dockerfile', '/w/sub', '/w/sub/x.Dockerfile'],
    ['/abs', '/other/Dockerfile', '/abs', '/other/Dockerfile'],
    ['.', '-', '/w', '-'],
    ['-', undefined, '-', ''],
    ['-', 'in/archive', '-', 'in/archive'],
    ['https://example.org/r.git#main', undefined, 'https://example.org/r.git#main', ''],
    ['https://example.org/r.git', 'a/Dockerfile', 'https://example.org/r.git', 'a/Dockerfile'],
  ]
  for (const [context, dockerfile, localPath, dockerfilePath] of cases)
    it(`is what was said: ${context} with ${dockerfile ?? 'no file'}`, () => {
      const request = { context, ...(dockerfile === undefined ? {} : { dockerfile }) }
      assert.deepEqual(buildState(request, '/w'), { localPath, dockerfilePath })
    })

  it('is nothing where a frontend is only asked', () => {
    assert.equal(buildState({ context: '.', call: 'frontend.lint' }, '/w'), undefined)
  })
})
