import assert from 'node:assert/strict'
import { closeSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fsPath } from '../bytes/path-string.ts'
import { DirectoryTree, openDirectoryTree } from './directory-tree.ts'
import { LayerTree } from './layer-tree.ts'
import { type Look, resolvePath } from './resolve-path.ts'
import type { FileTree } from './tree.ts'
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

  it('refuses a NUL, which no name has', () => {
    assert.throws(() => resolvePath('/a\0b', look, true), {
      code: 'invalid-argument',
      message: 'lstat "/a\\u0000b": invalid argument',
    })
  })

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
      message: 'too many links',
    })
    assert.throws(() => resolvePath('file/x', look, true), {
      code: 'failed-precondition',
      message: 'lstat /file/x: not a directory',
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

describe('DirectoryTree', () => {
  const root = join(base, 'plain')
  mkdirSync(join(root, 'a'), { recursive: true })
  writeFileSync(join(root, 'a/file'), 'text', { mode: 0o640 })
  writeFileSync(join(root, 'b'), '')
  symlinkSync('/a', join(root, 'link'))
  symlinkSync('/etc/passwd', join(root, 'out'))
  writeFileSync(fsPath(join(root, 'odd\udcff')), 'x')
  const read = (tree: FileTree, path: string): string => {
    const fd = tree.open(path)
    try {
      return readFileSync(fd, 'utf8')
    } finally {
      closeSync(fd)
    }
  }
  const filtered = (includePatterns: string[], excludePatterns: string[]): string[] => {
    using tree = openDirectoryTree(root, { includePatterns, excludePatterns, followPaths: [] }, 7n)
    const walk = (path: string): string[] =>
      tree.readdir(path).flatMap(name => {
        const child = path === '/' ? `/${name}` : `${path}/${name}`
        return tree.lstat(child)?.kind === 'directory' ? [child, ...walk(child)] : [child]
      })
    return walk('/')
  }

  it('shows a directory as it is, names in the order of their bytes', () => {
    using tree = new DirectoryTree(`${root}/`)
    assert.deepEqual(tree.readdir('/'), ['a', 'b', 'link', 'odd\udcff', 'out'])
    assert.equal(tree.lstat('a/file')?.mode, 0o640)
    assert.equal(tree.lstat('/link')?.linkname, '/a')
    assert.equal(tree.lstat('/link/file')?.size, 4)
    assert.equal(tree.lstat('/none'), undefined)
    assert.throws(() => tree.lstat('/a/file/none'), {
      code: 'failed-precondition',
      message: 'lstat /a/file/none: not a directory',
    })
    assert.equal(read(tree, '/a/file'), 'text')
    assert.equal(read(tree, '/odd\udcff'), 'x')
    assert.equal(tree.realPath('/a'), join(root, 'a'))
  })

  it('never leads outside', () => {
    using tree = new DirectoryTree(root)
    assert.equal(tree.resolve('out'), '/etc/passwd')
    assert.equal(tree.lstat(tree.resolve('out')), undefined)
    assert.equal(tree.lstat('/../../../etc/passwd'), undefined)
    assert.equal(tree.lstat('../a/../../a/file')?.size, 4)
    for (const path of ['/out', '/link/file']) {
      assert.throws(
        () => tree.open(path),
        e => ['ELOOP', 'not-found'].includes((e as { code: string }).code),
      )
    }
  })

  it('shows what its filter lets in, with the directories on the way there', () => {
    assert.deepEqual(filtered(['a/file'], []), ['/a', '/a/file'])
    assert.deepEqual(filtered([], ['a', '*dd*', 'out']), ['/b', '/link'])
    assert.deepEqual(filtered([], ['*', '!a/file']), ['/a', '/a/file'])
    assert.deepEqual(filtered(['a'], ['a/file']), ['/a'])
    assert.deepEqual(filtered(['none'], []), [])
  })

  it('does not follow links that the filter hides, and gives everything to root', () => {
    using tree = openDirectoryTree(
      root,
      { includePatterns: [], excludePatterns: ['link'], followPaths: [] },
      7n,
    )
    assert.equal(tree.resolve('/link/file'), '/link/file')
    assert.equal(tree.lstat('/a')?.uid, 0)
    assert.throws(() => tree.open('/link'), { code: 'not-found' })
  })
})

describe('a path that is too long', () => {
  it('is told without the place of the layer', () => {
    mkdirSync(join(base, 'layer'))
    using tree = new LayerTree([join(base, 'layer')])
    const name = `/${'n'.repeat(300)}`
    assert.throws(() => tree.lstat(name), { message: `lstat ${name}: file name too long` })
    assert.throws(() => tree.lstat(`${name}/x`), { message: /^lstat \/n+(\/x)?: file name too long$/ })
  })
})

describe('a directory that is reached by a symlink', () => {
  it('is shown as the directory', () => {
    mkdirSync(join(base, 'reached', 'd'), { recursive: true })
    symlinkSync('reached', join(base, 'way'))
    using tree = new DirectoryTree(join(base, 'way'))
    assert.equal(tree.lstat('/')?.kind, 'directory')
    assert.deepEqual(tree.readdir('/'), ['d'])
  })
})
