import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applySymbolicMode } from './symbolic-mode.ts'

test('Symbolic modes change bits as in chmod of BSD.', () => {
  const cases: readonly (readonly [mode: string, file: number, result: number, directory: number])[] = [
    ['755', 0o600, 0o755, 0o755],
    ['u=rwX,go=rX', 0o600, 0o644, 0o755],
    ['u=rwX,go=rX', 0o4711, 0o755, 0o755],
    ['u=rwx,g=rx,o=', 0o1777, 0o1750, 0o1750],
    ['a=', 0o7777, 0o1000, 0o1000],
    ['=', 0o7777, 0o1000, 0o1000],
    ['a=rX', 0o640, 0o444, 0o555],
    ['+x', 0o644, 0o755, 0o755],
    ['+t', 0o755, 0o1755, 0o1755],
    ['o+t', 0o755, 0o755, 0o755],
    ['u+t', 0o755, 0o1755, 0o1755],
    ['a=t', 0o755, 0o1000, 0o1000],
    ['o+s', 0o755, 0o755, 0o755],
    ['u+s', 0o755, 0o4755, 0o4755],
    ['g+s,u-s', 0o4755, 0o2755, 0o2755],
    ['u=g', 0o4750, 0o4550, 0o4550],
    ['g=u-w', 0o640, 0o640, 0o640],
    ['go=u,o-w', 0o700, 0o775, 0o775],
    ['o=u', 0o640, 0o646, 0o646],
    ['u=go', 0o653, 0o353, 0o353],
    ['u+r-w', 0o200, 0o400, 0o400],
    ['-X', 0o755, 0o644, 0o644],
    ['u-x,+X', 0o100, 0o111, 0o111],
  ]
  for (const [mode, from, file, directory] of cases) {
    assert.equal(applySymbolicMode(mode, from, false).toString(8), file.toString(8), mode)
    assert.equal(
      applySymbolicMode(mode, from, true).toString(8),
      directory.toString(8),
      `${mode} of a directory`,
    )
  }
  for (const mode of ['', 'rwx', 'u', 'u=q', 'u+r,', ',u+r', 'b+r', '8'])
    assert.throws(() => applySymbolicMode(mode, 0o644, false), { code: 'invalid-argument' }, mode)
})
