import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLinter } from './linter.ts'
import { defaultLintOptions, parseLintOptions } from './options.ts'
import type { Rule } from './rule.ts'
import { rules } from './rules.ts'

describe('rules', () => {
  it('have a name, a description and an address of their own', () => {
    const all: readonly Rule<never>[] = Object.values(rules)
    assert.equal(new Set(all.map(rule => rule.name)).size, all.length)
    for (const { name, description, url, advisory } of all) {
      assert.notEqual(description, '')
      const slug = name.replace(/([a-z])(?=[A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$2-').toLowerCase()
      const expected = url === '' ? '' : `https://docs.docker.com/go/dockerfile/rule/${slug}/`
      assert.equal(url, expected)
      if (advisory) assert.equal(url, '')
    }
  })
})

describe('check options', () => {
  it('are read from parts joined by semicolons', () => {
    assert.deepEqual(parseLintOptions(' skip=A, B ;error=true;experimental=all'), {
      ...defaultLintOptions,
      skip: ['A', 'B'],
      failOnWarning: true,
      experimentalAll: true,
    })
    assert.equal(parseLintOptions('skip=all').skipAll, true)
    assert.throws(() => parseLintOptions('foo'), { message: 'invalid check option "foo"' })
    assert.throws(() => parseLintOptions('foo=1'), { message: 'invalid check option "foo"' })
    assert.throws(() => parseLintOptions('error=x'), {
      message: 'failed to parse check option "error=x": strconv.ParseBool: parsing "x": invalid syntax',
    })
  })
})

describe('a linter', () => {
  const range = [{ start: { line: 3, character: 0 }, end: { line: 3, character: 0 } }]

  it('skips what it is told to, and experimental rules unless asked', () => {
    const seen: string[] = []
    const linter = createLinter({ ...defaultLintOptions, skip: ['FromAsCasing'] }, w => seen.push(w.message))
    linter.report(rules.fromAsCasing, range, 'FROM', 'as')
    linter.report(rules.invalidDefinitionDescription, range, 'ARG', 'x')
    linter.report(rules.duplicateStageName, range, 'x')
    assert.deepEqual(seen, ['Duplicate stage name "x", stage names should be unique'])
  })

  it('obeys a check comment above an instruction', () => {
    const seen: string[] = []
    const linter = createLinter(defaultLintOptions, w => seen.push(w.rule))
    linter
      .withComments(['text', 'check=skip=FromAsCasing reason'])
      .report(rules.fromAsCasing, range, 'FROM', 'as')
    linter.report(rules.fromAsCasing, range, 'FROM', 'as')
    assert.deepEqual(seen, ['FromAsCasing'])
  })

  it('fails the build where warnings are errors, but not for rules of its own', () => {
    const options = { ...defaultLintOptions, failOnWarning: true }
    const linter = createLinter(options, () => {})
    linter.report(rules.undeclaredPlatformArg, range, 'TARGETARCH')
    linter.check()
    linter.report(rules.fromAsCasing, range, 'FROM', 'as')
    linter.report(rules.duplicateStageName, range, 'x')
    assert.throws(() => linter.check(), {
      message: 'lint violation found for rules: FromAsCasing, DuplicateStageName',
    })
  })
})
