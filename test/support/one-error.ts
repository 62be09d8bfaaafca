import assert from 'node:assert/strict'
import type { RunResult } from '../../scripts/setup/run.ts'

/** Asserts that a command failed as a user may expect: status 1, one `ERROR:` that matches, and no stack trace. */
export function assertOneError(result: RunResult, pattern: RegExp): void {
  const text = result.stderr + result.stdout
  assert.notEqual(result.code, 0, `it succeeded:\n${text}`)
  const errors = result.stderr.split('\n').filter(line => line.startsWith('ERROR: '))
  assert.equal(errors.length, 1, `not one error:\n${text}`)
  assert.match(errors[0] ?? '', pattern, text)
  assert.doesNotMatch(text, /^\s+at .*\.[jt]s:\d+/m, 'a stack trace')
}
