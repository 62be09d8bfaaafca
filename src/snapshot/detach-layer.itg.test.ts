import assert from 'node:assert/strict'
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { copyEntry } from './apply-attributes.ts'
import { detachLayer, isAttached } from './detach-layer.ts'
import { cannotWriteLayers, listTree } from './fixtures/layers.ts'
import { LayerTree } from './layer-tree.ts'
import { setOpaque } from './overlay-xattr.ts'
import { statPath } from './read-entry.ts'
import { isWhiteout, makeWhiteout } from './whiteout-node.ts'

describe('a layer on other layers than those it was made on', { skip: cannotWriteLayers() }, () => {
  const base = mkdtempSync(join(tmpdir(), 'slipway-detach-'))
  after(() => rmSync(base, { recursive: true, force: true }))
  let count = 0

  /** A layer with these files; directories end in a slash. */
  function layer(...names: readonly string[]): string {
    const path = join(base, String(count++))
    mkdirSync(path)
    for (const name of names) {
      if (name.endsWith('/')) mkdirSync(join(path, name))
      else writeFileSync(join(path, name), name)
    }
    return path
  }

  function detached(upper: string, lowers: readonly string[]): string {
    const target = layer()
    detachLayer({ upper, lowers }, target)
    return target
  }

  const shown = (...layers: readonly string[]): string[] =>
    listTree(new LayerTree(layers), fd => {
      try {
        return readFileSync(fd, 'latin1')
      } finally {
        closeSync(fd)
      }
    }).map(line => line.split(' ')[0] ?? '')

  it('is the same one where it says nothing of those', () => {
    const lower = layer('old', 'dir/', 'dir/old')
    const upper = layer('new', 'dir/', 'dir/new')
    makeWhiteout(join(upper, 'old'))
    assert.equal(isAttached({ upper, lowers: [lower] }), false)
  })

  it('loses files that are the same below, and directories that were there for them', () => {
    const lower = layer('file', 'dir/', 'dir/file', 'changed/')
    const upper = layer('dir/', 'changed/', 'changed/new')
    for (const name of ['file', 'dir/file']) copyEntry(join(lower, name), join(upper, name))
    assert.equal(isAttached({ upper, lowers: [lower] }), true)
    assert.deepEqual(shown(detached(upper, [lower])), ['/changed', '/changed/new'])
    assert.deepEqual(shown(detached(layer('dir/'), [lower])), [])
  })

  it('deletes by name what an opaque directory hid, so that other files stay', () => {
    const lower = layer('dir/', 'dir/a', 'dir/b', 'dir/sub/', 'dir/sub/c')
    const upper = layer('dir/', 'dir/b', 'dir/sub/', 'dir/sub/d')
    writeFileSync(join(upper, 'dir/b'), 'longer than before')
    setOpaque(join(upper, 'dir'), 'trusted.overlay.')
    assert.equal(isAttached({ upper, lowers: [lower] }), true)
    const alone = detached(upper, [lower])
    assert.equal(isAttached({ upper: alone, lowers: [lower] }), false)
    for (const name of ['dir/a', 'dir/sub/c']) {
      const path = join(alone, name)
      assert.ok(isWhiteout(path, statPath(path) ?? assert.fail(name)))
    }
    const other = layer('dir/', 'dir/a', 'dir/more')
    assert.deepEqual(shown(lower, alone), shown(lower, upper))
    assert.deepEqual(shown(other, alone), ['/dir', '/dir/b', '/dir/more', '/dir/sub', '/dir/sub/d'])
  })

  it('keeps attributes, times of directories and files with several names', () => {
    const upper = layer('dir/', 'dir/one')
    linkSync(join(upper, 'dir/one'), join(upper, 'dir/two'))
    const lower = layer('same')
    copyEntry(join(lower, 'same'), join(upper, 'same'))
    const alone = detached(upper, [lower])
    assert.deepEqual(shown(alone), ['/dir', '/dir/one', '/dir/two'])
    assert.equal(lstatSync(join(alone, 'dir/one')).ino, lstatSync(join(alone, 'dir/two')).ino)
    assert.equal(
      lstatSync(join(alone, 'dir'), { bigint: true }).mtimeNs,
      lstatSync(join(upper, 'dir'), { bigint: true }).mtimeNs,
    )
  })
})
