import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { digestOf } from '../../oci/digest.ts'
import { parseReference } from '../../oci/reference.ts'
import type { SourceContext } from '../source-context.ts'
import { openBundle, writeBundle } from './bundle.ts'
import { checkout } from './checkout.ts'
import { createGit } from './git-command.ts'
import type { GitIdentifier } from './git-identifier.ts'
import { openRepository } from './git-repository.ts'
import { askRef, knownRef, type ResolvedRef } from './resolve-ref.ts'

const skip = spawnSync('git', ['--version']).status === 0 ? false : 'git is not installed'
const env = { PATH: process.env['PATH'] ?? '' }

/** A directory that is gone after the test. */
function scratch(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'slipway-git-test-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A repository with commits `1` (tag v1, annotated a1) and `2` on the branch main. */
function repository(
  t: TestContext,
  format: 'sha1' | 'sha256' = 'sha1',
): { path: string; sh: (...args: string[]) => string } {
  const path = scratch(t)
  const sh = (...args: string[]): string =>
    execFileSync('git', ['-C', path, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      encoding: 'utf8',
      env: { ...env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_COMMITTER_DATE: '2001-02-03T04:05:06Z' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  sh('init', '-b', 'main', `--object-format=${format}`)
  for (const name of ['1', '2']) {
    execFileSync('mkdir', ['-p', join(path, 'dir')])
    writeFileSync(join(path, 'dir', 'file'), name)
    sh('add', '.')
    sh('commit', '-m', name)
    if (name === '1') {
      sh('tag', 'v1')
      sh('tag', '-a', '-m', 'annotated', 'a1')
    }
  }
  return { path, sh }
}

const identify = (path: string, more: Partial<GitIdentifier> = {}): GitIdentifier => ({
  remote: `file://${path}`,
  ref: '',
  subdir: '',
  keepGitDir: false,
  skipSubmodules: false,
  fetchByCommit: false,
  asBundle: false,
  mtime: 'checkout',
  ...more,
})

const git = (signal: AbortSignal) => createGit({ env, signal })

/** Resolves, fetches and checks out. */
async function bring(
  t: TestContext,
  identifier: GitIdentifier,
): Promise<{ target: string; ref: ResolvedRef }> {
  const { signal } = new AbortController()
  const ref = knownRef(identifier) ?? (await askRef(git(signal), identifier))
  using held = await openRepository(join(scratch(t), 'git'), identifier, ref, git(signal), signal)
  const target = scratch(t)
  await checkout({ identifier, ref, repository: held.path, target, git: git(signal) })
  return { target, ref }
}

for (const format of ['sha1', 'sha256'] as const) {
  test(`The default branch, a tag and a commit are checked out (${format}).`, { skip }, async t => {
    const { path, sh } = repository(t, format)
    const head = await bring(t, identify(path))
    assert.deepEqual([head.ref.name, head.ref.object], ['refs/heads/main', sh('rev-parse', 'HEAD')])
    assert.equal(readFileSync(join(head.target, 'dir/file'), 'utf8'), '2')
    assert.equal(existsSync(join(head.target, '.git')), false)
    const tag = await bring(t, identify(path, { ref: 'v1' }))
    assert.equal(readFileSync(join(tag.target, 'dir/file'), 'utf8'), '1')
    const commit = await bring(t, identify(path, { ref: sh('rev-parse', 'v1') }))
    assert.equal(readFileSync(join(commit.target, 'dir/file'), 'utf8'), '1')
  })
}

test('An annotated tag is known by its own object and by the commit behind it.', { skip }, async t => {
  const { path, sh } = repository(t)
  const ref = await askRef(git(new AbortController().signal), identify(path, { ref: 'a1' }))
  assert.deepEqual([ref.object, ref.tagged], [sh('rev-parse', 'a1'), sh('rev-parse', 'v1')])
})

test('A subdirectory alone is taken, and no link leads out of the tree.', { skip }, async t => {
  const { path, sh } = repository(t)
  const { target } = await bring(t, identify(path, { subdir: 'dir' }))
  assert.equal(readFileSync(join(target, 'file'), 'utf8'), '2')
  execFileSync('ln', ['-s', '/etc', join(path, 'link')])
  sh('add', '.')
  sh('commit', '-m', 'link')
  await assert.rejects(bring(t, identify(path, { subdir: 'link' })), {
    message: 'invalid subdir link: git subpath "link" contains non-directory "link"',
  })
})

test('A kept git directory is a clean clone of one commit that names the remote.', { skip }, async t => {
  const { path, sh } = repository(t)
  const { target } = await bring(t, identify(path, { ref: 'a1', keepGitDir: true }))
  const inside = (...args: string[]): string =>
    execFileSync('git', ['-C', target, ...args], { encoding: 'utf8' }).trim()
  assert.equal(inside('rev-parse', 'HEAD'), sh('rev-parse', 'v1'))
  assert.equal(inside('rev-parse', 'refs/tags/a1'), sh('rev-parse', 'a1'))
  assert.equal(inside('status', '--short'), '')
  assert.equal(inside('remote', 'get-url', 'origin'), `file://${path}`)
})

test('Files get the time of the commit where that is asked for.', { skip }, async t => {
  const { path } = repository(t)
  const { target } = await bring(t, identify(path, { mtime: 'commit' }))
  for (const name of ['', 'dir', 'dir/file'])
    assert.equal(statSync(join(target, name)).mtime.toISOString(), '2001-02-03T04:05:06.000Z')
})

test('What is missing or another than the checksum says is refused in words that name it.', {
  skip,
}, async t => {
  const { path, sh } = repository(t)
  await assert.rejects(bring(t, identify(path, { ref: 'nothing' })), {
    code: 'not-found',
    message: 'repository does not contain ref nothing, output: ""',
  })
  const head = sh('rev-parse', 'HEAD')
  await assert.rejects(bring(t, identify(path, { checksum: 'abcdef' })), {
    message: `expected checksum to match abcdef, got ${head}`,
  })
  assert.equal((await bring(t, identify(path, { checksum: head.slice(0, 8) }))).ref.object, head)
  assert.throws(() => knownRef(identify(path, { checksum: 'xyz' })), {
    message: 'invalid checksum xyz for Git URL, expected hex commit hash',
  })
})

test('A branch that moved is fetched again, the same commit is not.', { skip }, async t => {
  const { path, sh } = repository(t)
  const root = join(scratch(t), 'git')
  const { signal } = new AbortController()
  const identifier = identify(path, { ref: 'main' })
  for (const text of ['3', '4']) {
    writeFileSync(join(path, 'dir', 'file'), text)
    sh('commit', '-am', text)
    const ref = await askRef(git(signal), identifier)
    using held = await openRepository(root, identifier, ref, git(signal), signal)
    assert.equal(await git(signal).run(['cat-file', '-t', ref.object], { gitDir: held.path }), 'commit\n')
  }
  const known: ResolvedRef = { name: sh('rev-parse', 'HEAD'), asked: 'main', object: sh('rev-parse', 'HEAD') }
  rmSync(path, { recursive: true, force: true })
  using _again = await openRepository(root, identifier, known, git(signal), signal)
})

test('A bundle stands for its remote: it has the ref with all that led to it, and nothing else is asked.', {
  skip,
}, async t => {
  const { path, sh } = repository(t)
  const { signal } = new AbortController()
  const ctx = { signal } as SourceContext
  const shallow = identify(path, { ref: 'main' })
  const root = join(scratch(t), 'git')
  const ref = await askRef(git(signal), shallow)
  // A shallow copy from before is completed.
  for (const identifier of [shallow, { ...shallow, asBundle: true }]) {
    using _held = await openRepository(root, identifier, ref, git(signal), signal)
  }
  using held = await openRepository(root, { ...shallow, asBundle: true }, ref, git(signal), signal)
  const target = scratch(t)
  await writeBundle(held.path, ref, target, git(signal))
  assert.deepEqual(readdirSync(target), ['bundle'])
  const bytes = readFileSync(join(target, 'bundle'))
  const bundle = {
    locator: 'oci-layout+blob://x',
    reference: parseReference('x'),
    digest: digestOf(bytes),
  }
  const head = sh('rev-parse', 'HEAD')
  rmSync(path, { recursive: true, force: true })
  async function* fetch(): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  await using opened = await openBundle(bundle, head, fetch, git(signal), ctx)
  const remote = `file://${opened.path}`
  const again = await askRef(git(signal), { ...shallow, remote, checksum: head })
  assert.deepEqual(again, { name: 'refs/heads/main', asked: 'main', object: head })
  const count = await git(signal).run(['rev-list', '--count', head], { gitDir: opened.path })
  assert.equal(count, '2\n')
  const files = scratch(t)
  await checkout({
    identifier: shallow,
    ref: again,
    repository: opened.path,
    target: files,
    git: git(signal),
  })
  assert.equal(readFileSync(join(files, 'dir', 'file'), 'utf8'), '2')
  const wrong = { ...bundle, digest: digestOf(Buffer.from('other')) }
  await assert.rejects(openBundle(wrong, head, fetch, git(signal), ctx), { code: 'data-loss' })
  await assert.rejects(openBundle(bundle, 'a'.repeat(40), fetch, git(signal), ctx), {
    message: `commit ${'a'.repeat(40)} not found in bundle oci-layout+blob://x`,
  })
})

test('Tokens and passwords are in no error and no log.', { skip }, async t => {
  const shown: string[] = []
  const hidden = createGit({
    env,
    config: [['http.extraheader', 'Authorization: basic c2VjcmV0']],
    hidden: ['c2VjcmV0', 'pass'],
    log: (_stream, data) => void shown.push(Buffer.from(data).toString('utf8')),
    signal: t.signal,
  })
  const failure = await hidden.run(['ls-remote', '--', 'file:///nonexistent/pass/c2VjcmV0']).then(
    () => '',
    (e: unknown) => String(e),
  )
  assert.match(failure, /xxxxx/)
  assert.doesNotMatch(failure + shown.join(''), /c2VjcmV0|pass\b/)
})
