import assert from 'node:assert/strict'
import { closeSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fsPath } from '../bytes/path-string.ts'
import { PlainTree } from './plain-tree.ts'
import { type Look, resolvePath } from './resolve-path.ts'
import { parseWhiteout } from './whiteout-name.ts'

const base = mkdtempSync(join(tmpdir(), 'slipway-tree-'))
after(() => rmSync(base, { recursive: true }))

describe('resolvePath', () => {
  const links: Readonly<Record<string, string>> = {
    '/abs': '/dir/sub',
    '/rel': 'dir',
    '/dir/up': '../../../rel',
    '/loop': 'loop',
    '/out': '../../etc',
  }
  const look: Look = path => {
    const linkname = links[path]
    if (linkname !== undefined) return { kind: 'symlink', linkname }
    if (path === '/file') return { kind: 'file' }
    return path.startsWith('/dir') ? { kind: 'directory' } : undefined
  }

  it('follows links inside the root and never leaves it', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['', '/'],
      ['/', '/'],
      ['..', '/'],
      ['a/../../b', '/b'],
      ['./dir//sub/', '/dir/sub'],
      ['abs', '/dir/sub'],
      ['rel/sub', '/dir/sub'],
      ['dir/up/x', '/dir/x'],
      ['out/passwd', '/etc/passwd'],
      ['none/../x', '/x'],
    ]
    for (const [path, canonical] of cases) assert.equal(resolvePath(path, look, true), canonical, path)
    assert.equal(resolvePath('dir/up', look, false), '/dir/up')
  })

  it('fails on circles and on ways through files', () => {
    assert.throws(() => resolvePath('loop', look, true), {
      code: 'failed-precondition',
      message: 'too many links in loop',
    })
    assert.throws(() => resolvePath('file/x', look, true), {
      code: 'failed-precondition',
      message: '/file: not a directory',
    })
    assert.equal(resolvePath('file', look, true), '/file')
  })
})

describe('whiteout names', () => {
  it('are told from ordinary ones', () => {
    assert.deepEqual(parseWhiteout('.wh.x'), { kind: 'whiteout', name: 'x' })
    assert.deepEqual(parseWhiteout('.wh..hidden'), { kind: 'whiteout', name: '.hidden' })
    assert.deepEqual(parseWhiteout('.wh..wh..opq'), { kind: 'opaque' })
    assert.deepEqual(parseWhiteout('.wh..wh.plnk'), { kind: 'ignored' })
    assert.equal(parseWhiteout('.whx'), undefined)
    for (const bad of ['.wh.', '.wh..', '.wh...'])
      assert.throws(() => parseWhiteout(bad), { code: 'data-loss', message: /invalid whiteout name/ })
  })
})

describe('PlainTree', () => {
  const root = join(base, 'plain')
  mkdirSync(join(root, 'a'), { recursive: true })
  writeFileSync(join(root, 'a/file'), 'text', { mode: 0o640 })
  writeFileSync(join(root, 'b'), '')
  symlinkSync('/a', join(root, 'link'))
  symlinkSync('/etc/passwd', join(root, 'out'))
  writeFileSync(fsPath(join(root, 'odd\udcff')), 'x')
  const read = (tree: PlainTree, path: string): string => {
    const fd = tree.open(path)
    try {
      return readFileSync(fd, 'utf8')
    } finally {
      closeSync(fd)
    }
  }

  it('shows a directory as it is, names in the order of their bytes', () => {
    using tree = new PlainTree(root)
    assert.deepEqual(tree.readdir('/'), ['a', 'b', 'link', 'odd\udcff', 'out'])
    assert.equal(tree.lstat('a/file')?.mode, 0o640)
    assert.equal(tree.lstat('/link')?.linkname, '/a')
    assert.equal(tree.lstat('/link/file')?.size, 4)
    assert.equal(tree.lstat('/none'), undefined)
    assert.throws(() => tree.lstat('/a/file/none'), {
      code: 'failed-precondition',
      message: '/a/file: not a directory',
    })
    assert.equal(read(tree, '/a/file'), 'text')
    assert.equal(read(tree, '/odd\udcff'), 'x')
    assert.equal(tree.realPath('/a'), join(root, 'a'))
    assert.throws(() => tree.realPath('/none'), { code: 'not-found' })
  })

  it('opens nothing behind a symlink', () => {
    using tree = new PlainTree(root)
    assert.equal(tree.resolve('out'), '/etc/passwd')
    assert.equal(tree.lstat(tree.resolve('out')), undefined)
    for (const path of ['/out', '/link/file']) assert.throws(() => tree.open(path), { code: 'ELOOP' })
  })

  it('hides what the filter hides, but follows its links', () => {
    using tree = new PlainTree(root, {
      shows: path => path !== '/link' && path !== '/b',
      owner: { uid: 0, gid: 0 },
    })
    assert.deepEqual(tree.readdir('/'), ['a', 'odd\udcff', 'out'])
    assert.equal(tree.lstat('/b'), undefined)
    assert.equal(tree.resolve('/link/file'), '/a/file')
    assert.equal(tree.lstat('/a')?.uid, 0)
  })
})
