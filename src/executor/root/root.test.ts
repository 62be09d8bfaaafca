import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { createMountPoints, createWorkingDirectory, removeMountPoints } from './mount-points.ts'
import { hasVolatileOverlay, mostLowers, overlayMount } from './overlay-options.ts'
import { resolveInRoot } from './resolve-in-root.ts'
import { bindLine, quoteWord, setupLine, setupScript, waitingScript } from './setup-script.ts'

describe('a root directory', () => {
  const base = mkdtempSync(join(tmpdir(), 'slipway-root-'))
  after(() => rmSync(base, { recursive: true, force: true }))
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(base, 'r'))
  })
  const names = (): string[] => readdirSync(root, { recursive: true }).map(String).sort()

  test('paths are resolved inside it', () => {
    mkdirSync(join(root, 'run'))
    mkdirSync(join(root, 'var'))
    symlinkSync('/run', join(root, 'var/run'))
    symlinkSync('../../../run/x', join(root, 'var/up'))
    symlinkSync('loop', join(root, 'loop'))
    assert.equal(resolveInRoot(root, '/var/run/secrets/x'), '/run/secrets/x')
    assert.equal(resolveInRoot(root, 'var/up'), '/run/x')
    assert.equal(resolveInRoot(root, '/../../etc/./passwd'), '/etc/passwd')
    assert.equal(resolveInRoot(root, '/missing/../run'), '/run')
    assert.equal(resolveInRoot(root, ''), '/')
    assert.throws(() => resolveInRoot(root, '/loop/x'), { code: 'failed-precondition' })
  })

  test('mount points are made and taken away, with the times of what is above', () => {
    mkdirSync(join(root, 'etc'))
    utimesSync(join(root, 'etc'), 10, 20)
    utimesSync(root, 30, 40)
    const created = createMountPoints(root, root, [
      { path: '/etc/hosts', kind: 'file' },
      { path: '/a/b/c', kind: 'directory' },
      { path: '/etc', kind: 'directory' },
      { path: '/a/b/c/below', kind: 'directory' },
    ])
    // What lies below an earlier target is left to the runtime; /etc/hosts is mounted before it is hidden by /etc.
    assert.deepEqual(created.paths, ['/etc/hosts', '/a', '/a/b', '/a/b/c'])
    const changed = lstatSync(join(root, 'etc')).mtimeMs
    const { mtimeMs } = lstatSync(root)
    assert.ok(mtimeMs > 40_000, 'that something was made shows in the time')
    removeMountPoints(root, created)
    assert.deepEqual(names(), ['etc'])
    assert.equal(lstatSync(root).mtimeMs, mtimeMs, 'that it was taken away does not')
    assert.equal(lstatSync(join(root, 'etc')).mtimeMs, changed)
  })

  test('what was there or was written to stays', () => {
    mkdirSync(join(root, 'old'))
    const created = createMountPoints(root, root, [
      { path: '/old', kind: 'directory' },
      { path: '/new/x', kind: 'directory' },
      { path: '/file', kind: 'file' },
      { path: '/blocked/by/file', kind: 'directory' },
    ])
    writeFileSync(join(root, 'new/kept'), '')
    writeFileSync(join(root, 'file'), 'content')
    removeMountPoints(root, created)
    assert.deepEqual(names(), ['file', 'new', 'new/kept', 'old'])
  })

  test('mount points that are to stay do', () => {
    const created = createMountPoints(root, root, [
      { path: '/proc', kind: 'directory', stays: true },
      { path: '/proc/below', kind: 'directory' },
      { path: '/mnt', kind: 'directory' },
    ])
    assert.deepEqual(names(), ['mnt', 'proc'])
    removeMountPoints(root, created)
    assert.deepEqual(names(), ['proc'])
  })

  test('a file in the way of a mount point is left to the runtime', () => {
    writeFileSync(join(root, 'file'), '')
    const created = createMountPoints(root, root, [{ path: '/file/x', kind: 'directory' }])
    assert.deepEqual(created.paths, [])
  })

  test('symlinks that lead outside are not followed when mount points go', () => {
    const outside = mkdtempSync(join(base, 'outside'))
    mkdirSync(join(outside, 'x'))
    const created = createMountPoints(root, root, [{ path: '/data/x', kind: 'directory' }])
    rmdirSync(join(root, 'data/x'))
    rmdirSync(join(root, 'data'))
    symlinkSync(outside, join(root, 'data'))
    removeMountPoints(root, created)
    assert.ok(existsSync(join(outside, 'x')))
  })

  test('a working directory is made with its parents, each given to the user', () => {
    mkdirSync(join(root, 'srv'))
    symlinkSync('/srv', join(root, 'www'))
    const given: string[] = []
    createWorkingDirectory(root, '/www/a/b', path => given.push(path.slice(root.length)))
    assert.deepEqual(given, ['/srv/a', '/srv/a/b'])
    assert.ok(lstatSync(join(root, 'srv/a/b')).isDirectory())
  })
})

describe('overlay options', () => {
  const features = {
    userXattr: false,
    parameters: new Set(['index', 'metacopy', 'redirect_dir', 'xino_auto']),
    volatile: false,
  }

  test('paths are relative to what they have in common, topmost layer first', () => {
    const lowers = ['/state/layers/1/fs', '/state/layers/2/fs']
    assert.deepEqual(
      overlayMount({ lowers, upper: '/state/layers/3/fs', work: '/state/layers/3/work' }, features),
      {
        cwd: '/state/layers',
        options: 'lowerdir=2/fs:1/fs,upperdir=3/fs,workdir=3/work,index=off,redirect_dir=off,metacopy=off',
      },
    )
    assert.deepEqual(overlayMount({ lowers: ['/a', '/b'] }, features), {
      cwd: '/',
      options: 'lowerdir=b:a,index=off',
    })
  })

  test('where the kernel can, what is written is not synced, and the mark of that may not stop the next mount', () => {
    const directories = { lowers: ['/s/1/fs'], upper: '/s/3/fs', work: '/s/3/work' }
    assert.deepEqual(overlayMount(directories, { ...features, parameters: new Set(), volatile: true }), {
      cwd: '/s',
      options: 'lowerdir=1/fs,upperdir=3/fs,workdir=3/work,volatile',
      mark: ['3', 'work', 'work', 'incompat'].join('/'),
    })
    assert.equal(overlayMount({ lowers: ['/a', '/b'] }, { ...features, volatile: true })?.mark, undefined)
    assert.deepEqual(['5.9.16', '5.10.0-28-amd64', '6.1.0'].map(hasVolatileOverlay), [false, true, true])
  })

  test('in a user namespace attributes go to the user', () => {
    const mount = overlayMount({ lowers: ['/a/1', '/a/2'] }, { ...features, userXattr: true })
    assert.equal(mount?.options, 'lowerdir=2:1,userxattr')
  })

  test('odd characters above the common directory do no harm, below it links are needed', () => {
    assert.equal(
      overlayMount({ lowers: ['/with, comma/1', '/with, comma/2'] }, features)?.cwd,
      '/with, comma',
    )
    assert.equal(overlayMount({ lowers: ['/a/x:y', '/a/b'] }, features), undefined)
  })

  test('options that do not fit into a page need links', () => {
    const lowers = Array.from({ length: mostLowers }, (_, i) => `/state/${'x'.repeat(10)}${i}`)
    assert.equal(overlayMount({ lowers }, features), undefined)
    const short = Array.from({ length: mostLowers }, (_, i) => `/state/${i.toString(36)}`)
    assert.ok(overlayMount({ lowers: short }, features))
  })
})

describe('the set-up script', () => {
  test('mounts in a private directory, waits, and becomes the runtime', () => {
    const script = setupScript({
      directory: '/state dir/sandbox',
      mounts: [
        { kind: 'overlay', target: 'rootfs', overlay: { cwd: '/layers', options: 'lowerdir=2:1' } },
        { kind: 'bind', target: 'tree0', source: "/it's" },
      ],
      command: ['runc', 'run', "a'b"],
      stdio: 'direct',
    })
    assert.deepEqual(script.split('\n'), [
      'set -e',
      'exec 4>&2 2>&3',
      "mount -n -t tmpfs -o mode=0700 slipway '/state dir/sandbox'",
      "mkdir '/state dir/sandbox/rootfs' '/state dir/sandbox/tree0'",
      'cd /layers',
      "mount -n -t overlay -o lowerdir=2:1 overlay '/state dir/sandbox/rootfs'",
      "mount -n --bind '/it'\\''s' '/state dir/sandbox/tree0'",
      "echo 'slipway: ready' >&3",
      'IFS= read -r go <&3',
      'eval "$go"',
      "echo 'slipway: running' >&3",
      'exec 2>&4 3>&- 4>&-',
      "exec runc run 'a'\\''b'",
    ])
  })

  test('is one line for a wrapper that waits, where it can be', () => {
    const overlay = { cwd: '/l', options: 'lowerdir=a:b', mark: 'w/incompat' }
    const mounts = [{ kind: 'overlay' as const, target: 'rootfs', overlay }]
    const script = { directory: '/d', mounts, command: ['runc', 'run', 'x'], stdio: 'direct' as const }
    assert.deepEqual(setupLine(script)?.split('; '), setupScript(script).split('\n').slice(3))
    assert.deepEqual(waitingScript('/d').split('\n').slice(0, 3), setupScript(script).split('\n').slice(0, 3))
    assert.equal(setupLine({ ...script, stdio: 'relayed' }), undefined)
    assert.equal(setupLine({ ...script, command: ['runc', 'run', 'two\nlines'] }), undefined)
  })

  test('words come through a shell unchanged', () => {
    for (const word of ['plain', 'a b', "it's", '$HOME `x` "y" \\', '*', '', 'ä;|&', '~', '#x', '!']) {
      const said = execFileSync('sh', ['-c', `printf %s ${quoteWord(word)}`]).toString()
      assert.equal(said, word)
    }
  })

  test('a part is entered, checked and then bound', () => {
    assert.equal(
      bindLine('/t', '/a/b', 'directory', '/p'),
      'mkdir /p && cd -P /t/a/b && test "$(pwd -P)" = /t/a/b && mount -n -c --bind . /p',
    )
    assert.equal(
      bindLine('/t', '/f', 'file', '/p'),
      ': >/p && cd -P /t && test "$(pwd -P)" = /t && test ! -L ./f && mount -n -c --bind ./f /p',
    )
  })
})
