import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type BuildContext, toBuildOptions } from './build-options.ts'
import { planFiles, readLocalFiles, splitArguments } from './file-plan.ts'
import { definitionSecrets, gitSecrets } from './git-secrets.ts'
import { isGitReference, isGitSsh, isRemoteUrl, remoteUrlWithFolder } from './remote-url.ts'
import { resolveTargets } from './resolve-targets.ts'
import type { Target } from './target.ts'

describe('URLs', () => {
  it('are told from paths', () => {
    for (const url of [
      'https://example.com/x.tar.gz',
      'http://example.com/x.git#main:sub',
      'git@github.com:a/b.git',
      'ssh://git@example.com/a.git',
      'git://example.com/a',
      'github.com/a/b',
    ])
      assert.equal(isRemoteUrl(url), true, url)
    for (const path of [
      '.',
      './github.com/a',
      '../x.git',
      'a/b',
      '/x.git',
      'docker-image://x',
      'cwd://x',
      'web',
    ])
      assert.equal(isRemoteUrl(path), false, path)
    assert.equal(isGitReference('https://example.com/x.tar.gz'), false)
    assert.equal(isGitSsh('git@github.com:a/b.git'), true)
    assert.equal(isGitSsh('https://github.com/a/b.git'), false)
  })

  it('get folders added behind those they have', () => {
    assert.equal(remoteUrlWithFolder('https://e.com/a.git', 'x'), 'https://e.com/a.git#:x')
    assert.equal(remoteUrlWithFolder('https://e.com/a.git#main:x', '../y'), 'https://e.com/a.git#main:y')
    assert.equal(remoteUrlWithFolder('https://e.com/a.git#main', '.'), 'https://e.com/a.git#main')
    assert.equal(remoteUrlWithFolder('https://e.com/a.tar', 'x'), 'https://e.com/a.tar')
  })
})

describe('a call for a remote definition', () => {
  it('names it first, perhaps the context for commands second, then targets', () => {
    assert.deepEqual(splitArguments(['a', 'b'], isRemoteUrl), {
      url: '',
      commandContext: 'cwd://',
      targets: ['a', 'b'],
    })
    assert.deepEqual(splitArguments(['git@h:r.git', 'web'], isRemoteUrl), {
      url: 'git@h:r.git',
      commandContext: 'cwd://',
      targets: ['web'],
    })
    assert.deepEqual(splitArguments(['git@h:r.git', 'git@h:s.git', 'web'], isRemoteUrl), {
      url: 'git@h:r.git',
      commandContext: 'git@h:s.git',
      targets: ['web'],
    })
  })

  it('reads files from there, but those of cwd:// from here', () => {
    assert.deepEqual(planFiles(['a', 'cwd://b'], true), {
      local: ['b'],
      remote: ['a'],
      readsLocal: true,
      readsRemote: true,
    })
    assert.deepEqual(planFiles(['cwd://b'], false), {
      local: ['b'],
      remote: [],
      readsLocal: true,
      readsRemote: false,
    })
    assert.deepEqual(planFiles([], true), { local: [], remote: [], readsLocal: false, readsRemote: true })
  })

  it('refuses files that are too big', async () => {
    const readFile = (): Promise<Uint8Array> => Promise.resolve(new Uint8Array(17 * 1024 * 1024))
    await assert.rejects(readLocalFiles(['x'], { readFile, readStdin: readFile }), {
      code: 'invalid-argument',
    })
  })

  it('builds in folders of it, in those of cwd:// here, and in others where they are', () => {
    const contextOf = (t: Partial<Target>, remoteHasFiles = true): BuildContext => {
      const definition = { groups: [], variables: [], targets: [{ name: 'default', ...t }] }
      return toBuildOptions(resolveTargets(definition, []).targets.get('default') ?? assert.fail(), {
        remoteUrl: 'https://e.com/a.git#main',
        remoteHasFiles,
        workingDirectory: '/w',
        environmentNames: [],
        stdoutIsTerminal: false,
        localPlatform: { os: 'linux', architecture: 'amd64' },
        stat: () => undefined,
      }).context
    }
    assert.notEqual(contextOf({ context: 'sub' }).folderOfRemote, undefined)
    assert.equal(contextOf({ context: 'cwd://sub' }).folderOfRemote, undefined)
    assert.equal(contextOf({ context: 'https://other.com/b.git' }).path, 'https://other.com/b.git')
  })

  it('gives its credentials to its own host only', () => {
    const names = ['BUILDX_BAKE_GIT_AUTH_TOKEN', 'PATH', 'BUILDX_BAKE_GIT_AUTH_HEADER']
    assert.deepEqual(definitionSecrets('https://e.com/a.git', names), [
      { id: 'GIT_AUTH_TOKEN.e.com', env: 'BUILDX_BAKE_GIT_AUTH_TOKEN' },
      { id: 'GIT_AUTH_HEADER.e.com', env: 'BUILDX_BAKE_GIT_AUTH_HEADER' },
    ])
    assert.equal(gitSecrets('https://e.com/a.git', 'https://E.com/b.git', names).length, 2)
    assert.deepEqual(gitSecrets('https://e.com/a.git', 'https://evil.com/b.git', names), [])
    assert.deepEqual(gitSecrets('https://e.com/a.git', 'sub', names), [])
  })
})
