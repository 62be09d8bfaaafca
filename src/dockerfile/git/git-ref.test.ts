import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fragmentFormat, parseGitRef } from './git-ref.ts'

const nothing = {
  ref: '',
  subdir: '',
  checksum: '',
  looksLocal: false,
  keepGitDir: undefined,
  submodules: undefined,
  mtime: '',
  fetchByCommit: false,
}

describe('parseGitRef', () => {
  it('knows repositories by scheme, and web addresses by their ending', () => {
    assert.equal(parseGitRef('https://h/a'), undefined)
    assert.equal(parseGitRef('./a.git'), undefined)
    assert.equal(parseGitRef('a/b'), undefined)
    assert.deepEqual(parseGitRef('https://h/a.git'), { ...nothing, remote: 'https://h/a.git' })
    assert.deepEqual(parseGitRef('ssh://u@h:22/a'), { ...nothing, remote: 'ssh://u@h:22/a' })
    assert.deepEqual(parseGitRef('git@h:a/b'), { ...nothing, remote: 'git@h:a/b' })
    assert.deepEqual(parseGitRef('github.com/a/b'), {
      ...nothing,
      looksLocal: true,
      remote: 'github.com/a/b',
    })
  })

  it('reads ref and directory from the fragment, cleaned', () => {
    const found = parseGitRef('https://h/a.git#v1:../x//y/')
    assert.deepEqual([found?.ref, found?.subdir], ['v1', 'x/y'])
    assert.equal(fragmentFormat('https://h/a.git?tag=v1&subdir=/x/', true), 'https://h/a.git#refs/tags/v1:x')
  })

  it('reads the query', () => {
    const found = parseGitRef(
      'https://h/a.git?branch=b&subdir=s&commit=c&keep-git-dir&submodules=false&mtime=commit',
    )
    assert.deepEqual(found, {
      ...nothing,
      remote: 'https://h/a.git',
      ref: 'refs/heads/b',
      subdir: 's',
      checksum: 'c',
      keepGitDir: true,
      submodules: false,
      mtime: 'commit',
    })
  })

  const problems: Readonly<Record<string, string>> = {
    'x=1': 'unexpected query "x"',
    'ref=': 'query "ref" has no value',
    'ref=a&ref=b': 'query "ref" has multiple values',
    'ref=a&tag=b': 'ref conflicts: "a" vs "refs/tags/b"',
    'tag=a&branch=b': 'branch conflicts with tag',
    'mtime=x': 'invalid mtime value: "x" (must be "checkout" or "commit")',
    'submodules=x': 'invalid submodules value: "x"',
  }
  for (const [query, message] of Object.entries(problems)) {
    it(`refuses ${query}`, () => assert.throws(() => parseGitRef(`https://h/a.git?${query}`), { message }))
  }
})
