import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { MatchType, PolicyAction } from '../proto/gen/source-policy_pb.ts'
import { gitAttributes } from './git-attributes.ts'
import { lintReport } from './lint-report.ts'
import { readSourcePolicy } from './read-source-policy.ts'

describe('what a build is told of its repository', () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-git-'))
  const { signal } = new AbortController()
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      cwd: directory,
      encoding: 'utf8',
    }).trim()
  const ask = (env: Record<string, string>): Promise<Record<string, string>> =>
    gitAttributes(
      {
        context: 'app',
        dockerfile: '',
        localDirs: { context: join(directory, 'app'), elsewhere: tmpdir() },
        signal,
        warn: line => assert.fail(line),
      },
      { env: { PATH: process.env['PATH'], ...env }, cwd: directory },
    )

  before(() => {
    git('init', '-q')
    git('remote', 'add', 'origin', 'https://user:secret@example.com/me/app.git')
    mkdirSync(join(directory, 'app'))
    writeFileSync(join(directory, 'app', 'Dockerfile'), 'FROM scratch\n')
    git('add', '-A')
    git('commit', '-q', '-m', 'x')
  })
  after(() => rmSync(directory, { recursive: true }))

  it('is its revision, its remote without credentials, and where its directories lie', async () => {
    const source = 'https://xxxxx:xxxxx@example.com/me/app.git'
    assert.deepEqual(await ask({}), {
      'vcs:revision': git('rev-parse', 'HEAD'),
      'vcs:source': source,
      'vcs:localdir:context': 'app',
    })
    assert.deepEqual(await ask({ BUILDX_GIT_INFO: '0' }), {})
    assert.deepEqual(await ask({ BUILDX_GIT_INFO: '0', BUILDX_GIT_LABELS: 'full' }), {
      'label:org.opencontainers.image.revision': git('rev-parse', 'HEAD'),
      'label:org.opencontainers.image.source': source,
      'label:com.docker.image.source.entrypoint': 'app/Dockerfile',
    })
  })
  it('says that files are changed when it is asked to look', async () => {
    writeFileSync(join(directory, 'new'), '')
    const attrs = await ask({ BUILDX_GIT_CHECK_DIRTY: '1' })
    assert.equal(attrs['vcs:revision'], `${git('rev-parse', 'HEAD')}-dirty`)
  })
})

describe('rules about sources', () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-policy-'))
  after(() => rmSync(directory, { recursive: true }))
  const read = (file: string, text?: string) => {
    if (text !== undefined) writeFileSync(join(directory, file), text)
    return readSourcePolicy({ env: { EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: file }, cwd: directory })
  }

  it('come from the file that the environment names', () => {
    const rule = { action: 'DENY', selector: { identifier: 'docker-image://*', match_type: 'WILDCARD' } }
    assert.equal(read('p.json', JSON.stringify({ rules: [rule] }))?.rules[0]?.action, PolicyAction.DENY)
    assert.equal(readSourcePolicy({ env: {}, cwd: directory }), undefined)
  })
  it('are named as the definition names them, in any case; unknown names say nothing', () => {
    const types = (selector: object): unknown => {
      const text = JSON.stringify({ x: 1, RULES: [{ Action: 1, y: {}, Selector: selector }] })
      const [rule] = read('names.json', text)?.rules ?? []
      return [rule?.action, rule?.selector?.matchType]
    }
    assert.deepEqual(types({ match_type: 'REGEX' }), [PolicyAction.DENY, MatchType.REGEX])
    assert.deepEqual(types({ MATCH_TYPE: 2 }), [PolicyAction.DENY, MatchType.REGEX])
    assert.deepEqual(types({ matchType: 'REGEX' }), [PolicyAction.DENY, MatchType.WILDCARD])
  })
  it('may be null in part, and in protobuf', () => {
    assert.deepEqual(read('null.json', 'null')?.rules, [])
    assert.deepEqual(read('rules.json', '{"rules":null,"version":-1}')?.version, -1n)
    const [rule, empty] = read('some.json', '{"rules":[{"action":null,"selector":null},null]}')?.rules ?? []
    assert.deepEqual(
      [rule?.action, rule?.selector, empty?.selector],
      [PolicyAction.ALLOW, undefined, undefined],
    )
    assert.deepEqual(read('empty', '')?.rules, [])
  })
  // Recorded with docker-buildx 0.36.1.
  const wrong: readonly (readonly [string, string])[] = [
    ['{"rules":[{"action":"deny"}]}', 'unrecognized enum ALLOW value "deny"'],
    ['{"rules":[{"action":""}]}', 'unrecognized enum ALLOW value ""'],
    ['{"rules":[{"action":7}]}', 'invalid PolicyAction value: 7'],
    ['{"rules":[{"action":1.5}]}', 'cannot unmarshal `1.5` into enum ALLOW'],
    ['{"rules":[{"action":true}]}', 'cannot unmarshal `true` into enum ALLOW'],
    ['{"rules":[{"selector":{"match_type":"2"}}]}', 'unrecognized enum WILDCARD value "2"'],
    ['{"rules":[{"selector":{"match_type":9}}]}', 'invalid MatchType value: 9'],
    ['{"rules":[{"selector":{"constraints":[{"condition":"X"}]}}]}', 'unrecognized enum EQUAL value "X"'],
    [
      '{"rules":[{"selector":{"identifier":5}}]}',
      'json: cannot unmarshal number into Go struct field Selector.rules.selector.identifier of type string',
    ],
    [
      '{"rules":[{"selector":{"constraints":{}}}]}',
      'json: cannot unmarshal object into Go struct field Selector.rules.selector.constraints of type []*moby_buildkit_v1_sourcepolicy.AttrConstraint',
    ],
    [
      '{"rules":[{"updates":{"attrs":{"a":1}}}]}',
      'json: cannot unmarshal number into Go struct field Update.rules.updates.attrs of type string',
    ],
    [
      '{"rules":{}}',
      'json: cannot unmarshal object into Go struct field Policy.rules of type []*moby_buildkit_v1_sourcepolicy.Rule',
    ],
    ['{"version":"1"}', 'json: cannot unmarshal string into Go struct field Policy.version of type int64'],
    [
      '{"version":1.0}',
      'json: cannot unmarshal number 1.0 into Go struct field Policy.version of type int64',
    ],
    ['[]', 'json: cannot unmarshal array into Go value of type moby_buildkit_v1_sourcepolicy.Policy'],
    ['{"rules":[]} trailing', "invalid character 't' after top-level value"],
    ['x', "invalid character 'x' looking for beginning of value"],
    ['{', 'unexpected end of JSON input'],
  ]
  for (const [text, message] of wrong) {
    it(`fail the build: ${text}`, () => {
      assert.throws(() => read('bad.json', text), { message: `failed to parse source policy: ${message}` })
    })
  }
  it('fail the build where the file cannot be read', () => {
    assert.throws(() => read('none'), /failed to read policy file/)
  })
})

describe('what a check says', () => {
  const report = (answer: object): ReturnType<typeof lintReport> => {
    const data = Buffer.from('FROM scratch AS A\n').toString('base64')
    const whole = { sources: [{ filename: 'Dockerfile', data }], ...answer }
    return lintReport(Buffer.from(JSON.stringify(whole)), 'app/Dockerfile')
  }
  const location = { ranges: [{ start: { line: 1 }, end: { line: 1 } }] }

  it('counts warnings, each with the place as the user knows it', () => {
    assert.equal(report({ warnings: null }).text, 'Check complete, no warnings found.\n')
    const warning = { ruleName: 'Rule', url: 'https://example.com', detail: 'is bad', location }
    assert.equal(
      report({ warnings: [warning] }).text,
      `Check complete, 1 warning has been found!

WARNING: Rule - https://example.com
is bad
app/Dockerfile:1
--------------------
   1 | >>> FROM scratch AS A
   2 |     ${''}
--------------------
`,
    )
    assert.match(
      report({ warnings: [warning, warning] }).text,
      /^Check complete, 2 warnings have been found!\n/,
    )
  })
  it('ends with the mistake that stopped it', () => {
    const { text, error } = report({ warnings: null, buildError: { message: 'broken', location } })
    assert.equal(text, '')
    assert.match(error?.message ?? '', /^broken\napp\/Dockerfile:1\n/)
  })
})
