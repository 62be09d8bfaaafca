import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { PolicyAction } from '../proto/gen/source-policy_pb.ts'
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
  it('fail the build where they cannot be read', () => {
    assert.throws(() => read('none'), /failed to read policy file/)
    assert.throws(() => read('bad.json', '{"rules"'), /failed to parse source policy/)
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
