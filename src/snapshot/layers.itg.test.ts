import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { mount, unmount } from '../sys/mount.ts'
import { archive, cannotWriteLayers, listTree, type Member, membersOf } from './fixtures/layers.ts'
import { DirectoryTree } from './directory-tree.ts'
import { LayerApplier } from './layer-applier.ts'
import { layerTar } from './layer-tar.ts'
import { LayerTree } from './layer-tree.ts'
import { UpperTree } from './upper-tree.ts'
import { TarReader } from '../tar/reader.ts'
import { fsPath } from '../bytes/path-string.ts'
import { getXattr, setXattr } from '../sys/xattr.ts'
import { digestOf } from '../oci/digest.ts'

const skip = cannotWriteLayers()
const base = mkdtempSync(join(tmpdir(), 'slipway-layers-'))
after(() => rmSync(base, { recursive: true, force: true }))
let count = 0
const fresh = (): string => {
  const dir = join(base, String(count++))
  mkdirSync(dir)
  return dir
}
const read = (fd: number): string => {
  try {
    return readFileSync(fd, 'latin1')
  } finally {
    closeSync(fd)
  }
}
const list = (layers: readonly string[], options: { times?: boolean } = {}): string[] =>
  listTree(new LayerTree(layers), read, options)

function apply(bytes: Uint8Array, lowers: readonly string[] = [], skipDevices = false): string {
  const upper = fresh()
  const applier = new LayerApplier({ upper, lowers, overlayPrefix: 'trusted.overlay.', skipDevices })
  try {
    const reader = new TarReader(applier)
    reader.write(bytes)
    reader.end()
    applier.complete()
  } finally {
    applier.close()
  }
  return upper
}

/** Layers from archives, lowest first. */
const stack = (...layers: readonly (readonly Member[])[]): string[] => {
  const dirs: string[] = []
  for (const members of layers) dirs.push(apply(archive(...members), [...dirs]))
  return dirs
}

const names = (layers: readonly string[]): string[] => list(layers).map(line => line.split(' ')[0] as string)

function tarOf(upper: string, lowers?: readonly string[], epochSeconds?: number): Buffer {
  const chunks: Buffer[] = []
  const options = { upper, lowers, ...(epochSeconds === undefined ? {} : { epochSeconds }) }
  for (const chunk of layerTar(options)) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

function listPlain(path: string, options: { times?: boolean } = {}): string[] {
  using tree = new DirectoryTree(path)
  return listTree(tree, read, options)
}

describe('unpacking', { skip }, () => {
  it('makes files with everything they have', () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
    const [dir = ''] = stack([
      { name: 'bin/', mode: 0o1777, uid: 5, gid: 6 },
      {
        name: './bin/su',
        mode: 0o4755,
        uid: 7,
        gid: 8,
        content: 'x',
        xattrs: new Map([
          ['security.capability', capability],
          ['user.note', Buffer.from([0, 255])],
        ]),
      },
      { name: 'link', type: 'symlink', linkname: '/bin/su', uid: 3 },
      { name: 'null', type: 'char', devmajor: 1, devminor: 3, mode: 0o666 },
      { name: 'pipe', type: 'fifo', mode: 0o600 },
      {
        name: 'hard',
        type: 'hardlink',
        linkname: 'bin/su',
        mode: 0o4755,
        uid: 7,
        gid: 8,
        xattrs: new Map([['security.capability', capability]]),
      },
      { name: `${'d/'.repeat(60)}deep`, content: 'deep' },
      { name: 'odd\udcff\udc80', content: 'odd' },
    ])
    assert.deepEqual(
      list([dir], { times: true }).filter(line => !line.startsWith('/d/')),
      [
        '/bin directory 1777 5:6',
        `/bin/su file 4755 7:8 2d711642 1 1000000000000000000 security.capability=${capability.toString('hex')} user.note=00ff`,
        '/d directory 755 0:0',
        `/hard file 4755 7:8 2d711642 1 1000000000000000000 security.capability=${capability.toString('hex')} user.note=00ff`,
        '/link symlink 777 3:0 -> /bin/su 1000000000000000000',
        '/null char 666 0:0 1,3 1000000000000000000',
        '/odd\udcff\udc80 file 644 0:0 beb0807f 3 1000000000000000000'.replace(
          'beb0807f',
          list([dir])
            .find(l => l.startsWith('/odd'))
            ?.split(' ')[4] ?? '',
        ),
        '/pipe fifo 600 0:0 1000000000000000000',
      ],
    )
    assert.equal(lstatSync(join(dir, 'bin/su')).ino, lstatSync(join(dir, 'hard')).ino)
    assert.equal(lstatSync(join(dir, 'bin'), { bigint: true }).mtimeNs, 1_000_000_000_000_000_000n)
  })

  it('turns whiteouts into what overlayfs knows, wherever they stand', () => {
    const layers = stack(
      [
        { name: 'a/x', content: 'x' },
        { name: 'a/y' },
        { name: 'b/x' },
        { name: 'c/x' },
        { name: 'd' },
        { name: 'e/x' },
      ],
      [
        { name: 'a/.wh.x' },
        { name: 'b/new' },
        { name: 'b/.wh..wh..opq' },
        { name: '.wh.c' },
        { name: 'c/', mode: 0o700 },
        { name: '.wh.d' },
        { name: 'e/', mode: 0o711 },
        { name: '.wh..wh.plnk/7', content: 'aufs' },
        { name: 'f', content: 'kept' },
        { name: '.wh.f' },
      ],
    )
    assert.deepEqual(list(layers), [
      '/a directory 755 0:0',
      '/a/y file 644 0:0 e3b0c442 0',
      '/b directory 755 0:0',
      '/b/new file 644 0:0 e3b0c442 0',
      '/c directory 700 0:0',
      '/e directory 711 0:0',
      '/e/x file 644 0:0 e3b0c442 0',
      `/f file 644 0:0 ${digestOf('kept').slice(7, 15)} 4`,
    ])
  })

  it('hides everything under an opaque root', () => {
    const layers = stack(
      [{ name: 'old/x' }, { name: 'both/x' }, { name: 'file' }],
      [{ name: '.wh..wh..opq' }, { name: 'both/y' }, { name: 'new' }],
    )
    assert.deepEqual(names(layers), ['/both', '/both/y', '/new'])
  })

  it('keeps attributes of directories that only lower layers have', () => {
    const layers = stack(
      [
        { name: 'tmp/', mode: 0o1777, uid: 1, gid: 2 },
        { name: 'real/', mode: 0o711 },
        { name: 'alias', type: 'symlink', linkname: 'real' },
      ],
      [{ name: 'tmp/f' }, { name: 'alias/f' }, { name: 'own/f' }],
    )
    const top = layers[1] as string
    assert.match(
      list([top]).join('\n'),
      /^\/alias directory 711 0:0\n.*\n\/own directory 755 0:0\n.*\n\/tmp directory 1777 1:2\n/,
    )
    assert.equal(lstatSync(join(top, 'tmp'), { bigint: true }).mtimeNs, 1_000_000_000_000_000_000n)
  })

  it('links to files of lower layers by copying them up', () => {
    const layers = stack(
      [
        { name: 'lib/', mode: 0o750 },
        { name: 'lib/so', content: 'elf', mode: 0o755, uid: 4 },
      ],
      [{ name: 'so.1', type: 'hardlink', linkname: 'lib/so', mode: 0o755, uid: 4 }],
    )
    const top = layers[1] as string
    assert.equal(lstatSync(join(top, 'so.1')).ino, lstatSync(join(top, 'lib/so')).ino)
    assert.deepEqual(
      list([top]).map(l => l.split(' ').slice(0, 4).join(' ')),
      ['/lib directory 750 0:0', '/lib/so file 755 4:0', '/so.1 file 755 4:0'],
    )
    for (const bad of ['none', 'lib', '/', '../..']) {
      assert.throws(
        () => apply(archive({ name: 'l', type: 'hardlink', linkname: bad }), [layers[0] as string]),
        { code: 'data-loss', message: /^link / },
      )
    }
  })

  it('replaces what the archive itself put in the way', () => {
    const layers = stack([
      { name: 'x', content: '1' },
      { name: 'x/', mode: 0o700 },
      { name: 'x/y' },
      { name: 'z/a' },
      { name: 'z', content: 'file' },
      { name: 'f', content: 'one' },
      { name: 'f', content: 'two' },
      { name: 's', type: 'symlink', linkname: '/etc' },
      { name: 's/', mode: 0o755 },
      { name: 's/in' },
    ])
    assert.deepEqual(names(layers), ['/f', '/s', '/s/in', '/x', '/x/y', '/z'])
    assert.equal(readFileSync(join(layers[0] as string, 'f'), 'utf8'), 'two')
  })

  it('writes sparse files with their holes', () => {
    const dir = fresh()
    const tar = execFileSync(
      'sh',
      [
        '-ec',
        'cd "$1"; printf A > s; truncate -s 50M s; printf B >> s; truncate -s 60M s; tar --format=pax -S -cf - s',
        'sh',
        dir,
      ],
      { maxBuffer: 1 << 26 },
    )
    const out = apply(tar)
    const stat = lstatSync(join(out, 's'))
    assert.equal(stat.size, 60 * 1024 * 1024)
    assert.ok(stat.blocks < 1000)
    assert.ok(readFileSync(join(out, 's')).equals(readFileSync(join(dir, 's'))))
  })

  it('leaves devices out in user namespaces', () => {
    const out = apply(
      archive({ name: 'null', type: 'char', devmajor: 1, devminor: 3 }, { name: 'pipe', type: 'fifo' }),
      [],
      true,
    )
    assert.deepEqual(names([out]), ['/pipe'])
  })

  it('never touches anything outside, whatever the archive says', () => {
    const outside = fresh()
    writeFileSync(join(outside, 'secret'), 'secret')
    const hostile: readonly (readonly Member[])[] = [
      [{ name: '../../../../../../..' + outside + '/evil', content: 'x' }],
      [{ name: outside + '/evil', content: 'x' }],
      [
        { name: 'l', type: 'symlink', linkname: outside },
        { name: 'l/evil', content: 'x' },
      ],
      [
        { name: 'l', type: 'symlink', linkname: '../../../../../../../..' + outside },
        { name: 'l/evil', content: 'x' },
      ],
      [
        { name: 'a/' },
        { name: 'a/l', type: 'symlink', linkname: outside },
        { name: 'a/l/evil/' },
        { name: 'a/l/evil/x' },
      ],
      [
        { name: 'l', type: 'symlink', linkname: outside + '/secret' },
        { name: 'l', content: 'overwritten' },
      ],
      [{ name: 'd/' }, { name: 'd', type: 'symlink', linkname: outside }, { name: 'd/evil', content: 'x' }],
      [{ name: 'l', type: 'symlink', linkname: outside }, { name: 'l/.wh.secret' }],
      [{ name: 'l', type: 'symlink', linkname: outside }, { name: 'l/.wh..wh..opq' }],
      [
        { name: 'l', type: 'symlink', linkname: outside },
        { name: 'l/', mode: 0o777, uid: 9 },
      ],
    ]
    for (const members of hostile) apply(archive(...members))
    const links: readonly (readonly Member[])[] = [
      [{ name: 'h', type: 'hardlink', linkname: outside + '/secret' }],
      [{ name: 'h', type: 'hardlink', linkname: '../../../../../../..' + outside + '/secret' }],
      [
        { name: 'l', type: 'symlink', linkname: outside },
        { name: 'h', type: 'hardlink', linkname: 'l/secret' },
      ],
    ]
    for (const members of links) assert.throws(() => apply(archive(...members)), { code: 'data-loss' })
    for (const bad of ['.wh.', '.wh..', 'd/.wh...'])
      assert.throws(() => apply(archive({ name: bad })), {
        code: 'data-loss',
        message: /invalid whiteout name/,
      })
    assert.throws(() => apply(archive({ name: 'f' }, { name: 'f/x' })), {
      code: 'data-loss',
      message: /not a directory/,
    })
    assert.throws(() => apply(archive({ name: 'l', type: 'symlink', linkname: 'l' }, { name: 'l/x' })), {
      code: 'data-loss',
      message: /too many links/,
    })
    assert.deepEqual(names([outside]), ['/secret'])
    assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret')
    assert.equal(lstatSync(outside).mode & 0o777, 0o755)
  })

  it('drops attributes that would be orders to overlayfs', () => {
    const out = apply(
      archive({
        name: 'd/',
        xattrs: new Map([
          ['trusted.overlay.opaque', Buffer.from('y')],
          ['user.overlay.redirect', Buffer.from('/etc')],
          ['trusted.x', Buffer.from('y')],
        ]),
      }),
    )
    for (const name of ['trusted.overlay.opaque', 'user.overlay.redirect', 'trusted.x'])
      assert.equal(getXattr(join(out, 'd'), name), undefined)
  })
})

describe('odd trees', { skip }, () => {
  /** What people have on disks, and what archives of it look like in the formats of GNU tar. */
  const script = `
    umask 022
    mkdir -p "a b/c" $(printf 'deep/%.0s' $(seq 60)) 'new
line' setgid empty
    chmod 2775 setgid; chmod 1777 empty; chown 12:34 setgid
    echo hi > "a b/c/file with spaces"; echo x > setgid/x; chown 70000:80000 setgid/x
    printf bin > "$(printf 'caf\\351')"; echo u > 'übung'; echo n > 'new
line/f'
    ln -s '../../../../etc/passwd' out; ln -s /abs abs; ln -s "$(printf 'l%.0s' $(seq 180))" longlink
    ln 'a b/c/file with spaces' "$(printf 'h%.0s' $(seq 120))"; ln out hard-to-symlink
    mkfifo fifo; mknod null c 1 3; mknod blk b 7 200; mknod big c 250 300000
    cp /bin/true suid; chmod 6755 suid; chmod 000 'übung'
    truncate -s 20M sparse; printf tail >> sparse
    touch -d @1 old; touch -d @4102444800 future; touch -h -d @5 abs
    : > zero
    find . -exec touch -h -c -d @1500000000 {} + `

  for (const format of ['gnu', 'posix', 'gnu -S', 'posix -S']) {
    it(`unpack as GNU tar unpacks them, from its format ${format}`, () => {
      const source = fresh()
      const extracted = fresh()
      const tar = join(base, `${count++}.tar`)
      execFileSync('bash', ['-ec', script], { cwd: source })
      execFileSync(
        'sh',
        [
          '-ec',
          `tar --sort=name --numeric-owner --format=${format} -cf ${tar} . && tar -xpf ${tar} --numeric-owner -C ${extracted}`,
        ],
        { cwd: source },
      )
      const upper = apply(readFileSync(tar))
      assert.deepEqual(list([upper], { times: true }), listPlain(extracted, { times: true }))
      assert.ok(list([upper]).length > 80)
      assert.deepEqual(list([apply(tarOf(upper, []))]), list([upper]))
    })
  }
})

describe('packing', { skip }, () => {
  it('gives back what was unpacked', () => {
    const members: Member[] = [
      { name: 'a/', mode: 0o1777, uid: 5 },
      { name: 'a-b', content: 'sorted behind a/' },
      { name: 'a/f', content: 'x'.repeat(2_000_000) },
      { name: 'a/hard', type: 'hardlink', linkname: 'a/f' },
      {
        name: 'cap',
        content: 'c',
        xattrs: new Map([
          ['security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex')],
          ['user.x', Buffer.from('y')],
        ]),
      },
      { name: 'dev', type: 'block', devmajor: 8, devminor: 1, mode: 0o660 },
      { name: 'odd\udcff' },
      { name: 's', type: 'symlink', linkname: 'ü', mode: 0o777 },
    ]
    const [dir = ''] = stack(members)
    const tar = tarOf(dir, [])
    assert.deepEqual(
      membersOf(tar).map(m => m.name),
      ['a/', 'a/f', 'a/hard', 'a-b', 'cap', 'dev', 'odd\udcff', 's'],
    )
    assert.deepEqual([...(membersOf(tar)[4]?.xattrs.keys() ?? [])], ['security.capability'])
    assert.equal(membersOf(tar)[2]?.type, 'hardlink')
    assert.equal(membersOf(tar)[2]?.linkname, 'a/f')
    const again = apply(tar)
    assert.ok(tarOf(again, []).equals(tar))
    assert.ok(
      execFileSync('tar', ['-tvf', '-'], { input: tar, maxBuffer: 1 << 26 }).includes('a/hard link to a/f'),
    )
  })

  it('of nothing is two empty blocks, with the well-known digest', () => {
    assert.equal(
      digestOf(tarOf(fresh(), [])),
      'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
    )
  })

  it('writes whiteouts of what is there below, and nothing that is unchanged', () => {
    const [lower = ''] = stack([
      { name: 'd/', mode: 0o755 },
      { name: 'd/gone' },
      { name: 'd/same', content: 'abc' },
      { name: 'o/x' },
      { name: 'quiet/', mode: 0o700 },
      { name: 'f', content: '1' },
    ])
    const upper = fresh()
    {
      using tree = new UpperTree({ upper, lowers: [lower], overlayPrefix: 'trusted.overlay.' })
      tree.remove('/d/gone')
      tree.setAttributes('/d/same', {})
      tree.remove('/o')
      tree.mkdir('/o', {})
      tree.setAttributes('/quiet', {})
      tree.writeFile('/n', {}, fd => writeFileSync(fd, 'new'))
      tree.remove('/n')
    }
    const tar = tarOf(upper, [lower])
    assert.deepEqual(
      membersOf(tar).map(m => m.name),
      ['d/', 'd/.wh.gone', 'o/', 'o/.wh.x'],
    )
    const whiteout = membersOf(tar)[1]
    assert.deepEqual([whiteout?.mode, whiteout?.size, whiteout?.mtimeNs], [0, 0, 0n])
    assert.deepEqual(names([lower, apply(tar, [lower])]), names([lower, upper]))
    assert.deepEqual(
      membersOf(tarOf(upper)).map(m => m.name),
      ['d/', 'd/.wh.gone', 'd/same', 'o/', 'o/.wh..wh..opq', 'quiet/'],
    )
  })

  it('sets times back to an epoch, and rounds down to seconds', () => {
    const dir = fresh()
    writeFileSync(join(dir, 'old'), '')
    writeFileSync(join(dir, 'new'), '')
    utimesSync(join(dir, 'old'), 100.75, 100.75)
    const times = (epoch?: number): bigint[] =>
      membersOf(tarOf(dir, [], epoch)).map(m => m.mtimeNs / 1_000_000_000n)
    assert.deepEqual(times(1000), [1000n, 100n])
    assert.ok((times()[0] ?? 0n) > 1000n)
    assert.deepEqual(tarOf(dir, [], 1000), tarOf(dir, [], 1000))
  })

  it('refuses layers that refer to others', () => {
    const dir = fresh()
    mkdirSync(join(dir, 'd'))
    setXattr(join(dir, 'd'), 'trusted.overlay.redirect', Buffer.from('/x'))
    assert.throws(() => tarOf(dir, []), { code: 'failed-precondition', message: /redirect_dir/ })
  })
})

describe('trees against overlayfs itself', { skip }, () => {
  /** Runs `fn` on a mount of the layers; the upper directory takes changes. */
  function mounted<T>(lowers: readonly string[], upper: string, fn: (path: string) => T): T | 'no overlay' {
    const work = fresh()
    const target = fresh()
    const data = `lowerdir=${lowers.toReversed().join(':')},upperdir=${upper},workdir=${work},redirect_dir=off,metacopy=off,index=off,xino=off`
    try {
      mount('overlay', target, 'overlay', 0, data)
    } catch {
      return 'no overlay'
    }
    try {
      return fn(target)
    } finally {
      unmount(target)
    }
  }

  const lowers = (): string[] =>
    stack(
      [
        { name: 'a/', mode: 0o755 },
        { name: 'a/1', content: 'one' },
        { name: 'a/2', content: 'two', uid: 4 },
        { name: 'b/c/d/', mode: 0o700, gid: 3 },
        { name: 'b/c/d/f', content: 'f' },
        { name: 'x/y' },
        { name: 'l', type: 'symlink', linkname: 'a' },
      ],
      [
        { name: 'a/.wh.1' },
        { name: 'x', content: 'now a file' },
        { name: 'b/c/.wh..wh..opq' },
        { name: 'b/c/g', content: 'g' },
      ],
      [
        { name: '.wh.x' },
        { name: 'x/', mode: 0o711 },
        { name: 'x/z' },
        { name: 'a/3', content: 'three', xattrs: new Map([['user.k', Buffer.from('v')]]) },
      ],
    )

  it('show what a mount shows', t => {
    const layers = lowers()
    const seen = mounted(layers, fresh(), path => listPlain(path, { times: true }))
    if (seen === 'no overlay') return t.skip('overlayfs cannot be mounted here')
    assert.deepEqual(list(layers, { times: true }), seen)
  })

  it('change what a mount would change', t => {
    const layers = lowers()
    const [viaMount, viaTree] = [fresh(), fresh()]
    const outcome = mounted(layers, viaMount, path => {
      const at = (name: string): string => join(path, name)
      unlinkSync(at('a/2'))
      writeFileSync(at('a/2'), 'again')
      rmSync(at('b'), { recursive: true })
      mkdirSync(at('b'))
      writeFileSync(at('b/new'), '')
      rmSync(at('x'), { recursive: true })
      symlinkSync('a/3', at('x'))
      linkSync(at('a/3'), at('h'))
      mkdirSync(at('n'))
      mkdirSync(at('n/m'))
      rmSync(at('n/m'), { recursive: true })
      writeFileSync(at('n/m'), 'file')
      unlinkSync(at('l'))
      renameSync(at('n/m'), at('n/k'))
    })
    if (outcome === 'no overlay') return t.skip('overlayfs cannot be mounted here')
    {
      using tree = new UpperTree({ upper: viaTree, lowers: layers, overlayPrefix: 'trusted.overlay.' })
      const write = (text: string) => (fd: number) => writeFileSync(fd, text)
      tree.remove('/a/2')
      tree.writeFile('/a/2', {}, write('again'))
      tree.remove('/b')
      tree.mkdir('/b', {})
      tree.writeFile('/b/new', {}, write(''))
      tree.remove('/x')
      tree.symlink('/x', 'a/3', {})
      tree.link('/h', '/a/3')
      tree.mkdir('/n', {})
      tree.mkdir('/n/m', {})
      tree.remove('/n/m')
      tree.writeFile('/n/k', {}, write('file'))
      tree.remove('/l')
    }
    const facts = (upper: string): string[] =>
      membersOf(tarOf(upper, layers)).map(
        m =>
          `${m.name} ${m.type} ${m.mode.toString(8)} ${m.uid}:${m.gid} ${m.linkname} ${m.content.toString()}`,
      )
    assert.deepEqual(facts(viaTree), facts(viaMount))
    assert.deepEqual(list([...layers, viaTree]), list([...layers, viaMount]))
    assert.equal(
      mounted(layers, viaTree, path => listPlain(path).join('\n')),
      list([...layers, viaTree]).join('\n'),
    )
  })
})

describe('UpperTree', { skip }, () => {
  const open = (lowers: readonly string[], upper = fresh()): UpperTree & { upper: string } =>
    Object.assign(new UpperTree({ upper, lowers, overlayPrefix: 'trusted.overlay.' }), { upper })

  it('copies parents up with everything they have, and gives them their times back', () => {
    const [lower = ''] = stack([
      { name: 'a/', mode: 0o1711, uid: 3, gid: 4, xattrs: new Map([['user.k', Buffer.from('v')]]) },
      { name: 'a/b/', mode: 0o700 },
    ])
    const tree = open([lower])
    tree.writeFile('/a/b/f', { mode: 0o600, uid: 9, gid: 8, mtimeNs: 123_456_789n }, fd =>
      writeFileSync(fd, 'x'),
    )
    tree.mkdir('/a/n', { mode: 0o2755, mtimeNs: 5n })
    tree.writeFile('/a/n/f', {}, () => {})
    tree[Symbol.dispose]()
    const stat = (path: string): readonly bigint[] => {
      const { mode, uid, gid, mtimeNs } = lstatSync(join(tree.upper, path), { bigint: true })
      return [mode & 0o7777n, uid, gid, mtimeNs]
    }
    assert.deepEqual(stat('a'), [0o1711n, 3n, 4n, 1_000_000_000_000_000_000n])
    assert.deepEqual(getXattr(join(tree.upper, 'a'), 'user.k'), Buffer.from('v'))
    assert.deepEqual(stat('a/b'), [0o700n, 0n, 0n, 1_000_000_000_000_000_000n])
    assert.deepEqual(stat('a/b/f'), [0o600n, 9n, 8n, 123_456_789n])
    assert.deepEqual(stat('a/n'), [0o2755n, 0n, 0n, 5n])
  })

  it('keeps the attributes of a file that it replaces, unless told otherwise', () => {
    const [lower = ''] = stack([{ name: 'f', mode: 0o640, uid: 5, gid: 6, content: 'old' }])
    using tree = open([lower])
    tree.writeFile('/f', {}, fd => writeFileSync(fd, 'new'))
    assert.deepEqual([tree.lstat('/f')?.mode, tree.lstat('/f')?.uid, tree.lstat('/f')?.size], [0o640, 5, 3])
    tree.writeFile('/f', { mode: 0o4755, uid: 0 }, fd => writeFileSync(fd, 'newer'))
    assert.deepEqual([tree.lstat('/f')?.mode, tree.lstat('/f')?.uid, tree.lstat('/f')?.gid], [0o4755, 0, 6])
    tree.setAttributes('/f', { uid: 7 })
    assert.equal(tree.lstat('/f')?.uid, 7)
  })

  it('says what is missing or in the way', () => {
    const [lower = ''] = stack([{ name: 'f' }])
    using tree = open([lower])
    assert.throws(() => tree.writeFile('/none/f', {}, () => {}), { code: 'not-found' })
    assert.throws(() => tree.writeFile('/f/x', {}, () => {}), { code: 'not-found' })
    assert.throws(() => tree.setAttributes('/none', {}), { code: 'not-found' })
    assert.throws(() => tree.remove('/'), { code: 'failed-precondition' })
    tree.remove('/none')
    assert.throws(
      () =>
        tree.writeFile('/g', {}, () => {
          throw new Error('source went away')
        }),
      { message: 'source went away' },
    )
    assert.equal(tree.lstat('/g'), undefined)
  })

  it('writes names that are not UTF-8', () => {
    const tree = open([])
    tree.mkdir('/\udcfe', {})
    tree.writeFile('/\udcfe/\udcff', {}, fd => writeFileSync(fd, 'odd'))
    tree.symlink('/s', '\udcff', {})
    assert.deepEqual(tree.readdir('/\udcfe'), ['\udcff'])
    assert.equal(tree.lstat('/s')?.linkname, '\udcff')
    tree[Symbol.dispose]()
    assert.equal(readFileSync(fsPath(`${tree.upper}/\udcfe/\udcff`), 'utf8'), 'odd')
  })
})
