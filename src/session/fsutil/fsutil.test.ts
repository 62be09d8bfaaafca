import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFile,
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { AsyncQueue } from '../../async/async-queue.ts'
import { fsPath } from '../../bytes/path-string.ts'
import { type Packet, type Stat, StatSchema } from '../../proto/gen/fsutil_pb.ts'
import { type DirectoryOptions, directoryTree } from './directory-tree.ts'
import { EntryOrder } from './entry-order.ts'
import { goMode, hasContent, kindOf, toGoMode, unixPermissions } from './go-mode.ts'
import { packet } from './packets.ts'
import { type ReceiveOptions, receiveTree } from './receive-tree.ts'
import { sendTree } from './send-tree.ts'
import { comparePaths, type SyncTree } from './sync-tree.ts'
import type { TreeChange } from './tree-changes.ts'

const temp = await mkdtemp(join(tmpdir(), 'slipway-fsutil-'))
after(() => rm(temp, { recursive: true }))
let dirs = 0

/** path → text of a file, `-> target` of a symlink, `= path` of a further name; a path that ends in `/` is a directory. */
type Spec = Readonly<Record<string, string>>

async function makeTree(spec: Spec): Promise<string> {
  const dir = join(temp, `dir${dirs++}`)
  await mkdir(dir)
  await addTo(dir, spec)
  return dir
}

async function addTo(dir: string, spec: Spec): Promise<void> {
  for (const [path, text] of Object.entries(spec)) {
    const full = join(dir, path)
    await mkdir(path.endsWith('/') ? full : dirname(full), { recursive: true })
    if (path.endsWith('/')) continue
    if (text.startsWith('-> ')) await symlink(text.slice(3), full)
    else if (text.startsWith('= ')) await link(join(dir, text.slice(2)), full)
    else await writeFile(full, text)
  }
}

async function pathsOf(dir: string, options: DirectoryOptions = {}): Promise<string[]> {
  return (await Array.fromAsync((await directoryTree(dir, options)).walk())).map(stat => stat.path)
}

/** Sends a tree from one end to the other; the ends see each other only through packets. */
async function transfer(
  tree: SyncTree,
  options: Omit<ReceiveOptions, 'mode'> & Partial<ReceiveOptions>,
): Promise<readonly TreeChange[]> {
  const toReceiver = new AsyncQueue<Packet>({ capacity: 8 })
  const toSender = new AsyncQueue<Packet>({ capacity: 8 })
  const sending = sendTree(tree, toSender, async p => void (await toReceiver.send(p)))
  sending.catch(() => {}).finally(() => toReceiver.end())
  try {
    return await receiveTree(toReceiver, async p => void (await toSender.send(p)), {
      mode: 'mirror',
      ...options,
    })
  } finally {
    toSender.end()
    await sending.catch(() => {})
  }
}

const summary = (changes: readonly TreeChange[]): string[] => changes.map(c => `${c.kind} ${c.path}`)

describe('walking a directory', () => {
  it('visits parents first and names by their bytes', async () => {
    const dir = await makeTree({
      'a.b': '',
      'a/b': '',
      'a/B': '',
      a0: '',
      ä: '',
      z: '',
      '\u{10000}': '',
      '\uffee': '',
    })
    assert.deepEqual(await pathsOf(dir), ['a', 'a/B', 'a/b', 'a.b', 'a0', 'z', 'ä', '\uffee', '\u{10000}'])
  })

  it('tells what each entry is', async () => {
    const dir = await makeTree({ file: 'hello', link: '-> a/b', 'other name': '= file', 'sub/': '' })
    await chmod(join(dir, 'file'), 0o4750)
    await utimes(join(dir, 'file'), 1, 1)
    const stats = await Array.fromAsync((await directoryTree(dir)).walk())
    const facts = stats.map(s => [s.path, s.mode, s.linkname, Number(s.size)])
    const { mode } = await lstat(join(dir, 'sub'))
    assert.deepEqual(facts, [
      ['file', goMode.setuid + 0o750, '', 5],
      ['link', goMode.symlink + 0o777, 'a/b', 3],
      ['other name', goMode.setuid + 0o750, 'file', 5],
      ['sub', goMode.directory + (mode & 0o777), '', 0],
    ])
    assert.equal(stats[0]?.modTime, 1_000_000_000n)
  })

  const tree: Spec = {
    '.git/config': '',
    'a/b/c.txt': '',
    'a/b/d.md': '',
    'a/e.txt': '',
    'node_modules/x/y.js': '',
    'src/main.ts': '',
    'src/node_modules/z.js': '',
    'top.txt': '',
  }
  /** what, options, paths of files sent (directories above them are sent too) */
  const filters: readonly (readonly [string, DirectoryOptions, readonly string[]])[] = [
    [
      'an excluded directory',
      { excludePatterns: ['node_modules'] },
      ['.git/config', 'a/b/c.txt', 'a/b/d.md', 'a/e.txt', 'src/main.ts', 'src/node_modules/z.js', 'top.txt'],
    ],
    [
      'an exclusion anywhere',
      { excludePatterns: ['**/node_modules', '.git'] },
      ['a/b/c.txt', 'a/b/d.md', 'a/e.txt', 'src/main.ts', 'top.txt'],
    ],
    ['everything but', { excludePatterns: ['*', '!a/b'] }, ['a/b/c.txt', 'a/b/d.md']],
    ['everything but, deep', { excludePatterns: ['**', '!a/b/*.md'] }, ['a/b/d.md']],
    ['an included file', { includePatterns: ['a/b/c.txt'] }, ['a/b/c.txt']],
    ['an included directory', { includePatterns: ['a'] }, ['a/b/c.txt', 'a/b/d.md', 'a/e.txt']],
    ['an included pattern', { includePatterns: ['**/*.txt'] }, ['a/b/c.txt', 'a/e.txt', 'top.txt']],
    ['included but excluded', { includePatterns: ['a'], excludePatterns: ['a/b'] }, ['a/e.txt']],
    [
      'followed paths',
      { followPaths: ['src', 'top.txt'] },
      ['src/main.ts', 'src/node_modules/z.js', 'top.txt'],
    ],
    ['a followed pattern', { followPaths: ['a/*.txt'] }, ['a/e.txt']],
    ['a followed root', { followPaths: ['.', 'a'] }, Object.keys(tree)],
    ['nothing that is there', { includePatterns: ['nope'] }, []],
  ]
  for (const [what, options, expected] of filters) {
    it(`sends by ${what}`, async () => {
      const dir = await makeTree(tree)
      const paths = await pathsOf(dir, options)
      assert.deepEqual(
        paths.filter(path => path in tree),
        expected,
      )
      const parents = new Set(
        expected.flatMap(p =>
          p
            .split('/')
            .slice(0, -1)
            .map((_, i, all) => all.slice(0, i + 1).join('/')),
        ),
      )
      for (const parent of parents) assert.ok(paths.includes(parent), `${parent} is sent`)
    })
  }

  it('follows symlinks of wanted paths, within the directory', async () => {
    const dir = await makeTree({
      'data/real.txt': 'x',
      'links/one': '-> ../data/real.txt',
      'links/out': '-> /data',
      'links/up': '-> ../../../../data/real.txt',
      'loop/a': '-> b',
      'loop/b': '-> a',
      other: '',
    })
    assert.deepEqual(await pathsOf(dir, { followPaths: ['links/one'] }), [
      'data',
      'data/real.txt',
      'links',
      'links/one',
    ])
    assert.deepEqual(await pathsOf(dir, { followPaths: ['links/out/real.txt'] }), [
      'data',
      'data/real.txt',
      'links',
      'links/out',
    ])
    assert.deepEqual(await pathsOf(dir, { followPaths: ['links/u*'] }), [
      'data',
      'data/real.txt',
      'links',
      'links/up',
    ])
    assert.deepEqual(await pathsOf(dir, { followPaths: ['loop/a'] }), ['loop', 'loop/a', 'loop/b'])
    assert.deepEqual(await pathsOf(dir, { followPaths: ['../../etc/passwd'] }), [])
  })

  it('links to the first name that is sent', async () => {
    const dir = await makeTree({ 'a/one': 'x', 'b/two': '= a/one', 'c/three': '= a/one' })
    const stats = await Array.fromAsync((await directoryTree(dir, { excludePatterns: ['a'] })).walk())
    assert.deepEqual(
      stats.filter(s => hasContent(s.mode)).map(s => [s.path, s.linkname]),
      [
        ['b/two', ''],
        ['c/three', 'b/two'],
      ],
    )
  })

  it('refuses bad patterns and what is not a directory', async () => {
    const dir = await makeTree({ file: '' })
    await assert.rejects(directoryTree(dir, { excludePatterns: ['['] }), {
      message: 'invalid excludepatterns: [[]: syntax error in pattern',
    })
    await assert.rejects(directoryTree(join(dir, 'file')), { code: 'invalid-argument' })
  })
})

describe('transferring a tree', () => {
  it('makes an equal copy', async () => {
    const dir = await makeTree({
      'a/b/deep.txt': 'deep',
      'empty/': '',
      big: 'x'.repeat(700_000),
      link: '-> a/b',
      dangling: '-> nowhere',
      name: 'same',
      'second name': '= name',
      'with\nnewline': '',
    })
    await chmod(join(dir, 'a'), 0o1700)
    await chmod(join(dir, 'empty'), 0o555)
    const dest = join(temp, `dir${dirs++}`)
    const changes = await transfer(await directoryTree(dir), { dest })
    assert.equal(changes.length, 10)
    const sent = await Array.fromAsync((await directoryTree(dir)).walk())
    const got = await Array.fromAsync((await directoryTree(dest)).walk())
    assert.deepEqual(got, sent)
    assert.equal(await readFile(join(dest, 'big'), 'utf8'), 'x'.repeat(700_000))
    assert.equal(await readFile(join(dest, 'second name'), 'utf8'), 'same')
    assert.equal(await readlink(join(dest, 'dangling')), 'nowhere')
    assert.equal((await lstat(join(dest, 'name'))).ino, (await lstat(join(dest, 'second name'))).ino)
  })

  it('carries extended attributes', async t => {
    const dir = await makeTree({ file: 'x' })
    const { getXattr, setXattr } = await import('../../sys/xattr.ts')
    try {
      setXattr(join(dir, 'file'), 'user.slipway', Buffer.from([0, 255, 1]))
    } catch {
      t.skip('the temporary directory has no user attributes')
      return
    }
    const dest = join(temp, `dir${dirs++}`)
    await transfer(await directoryTree(dir), { dest })
    assert.deepEqual(getXattr(join(dest, 'file'), 'user.slipway'), Buffer.from([0, 255, 1]))
  })

  it('asks only for what changed, and removes what is gone', async () => {
    const dir = await makeTree({ 'd/same': 'same', 'd/edited': 'old', 'gone/a/b': '', kind: 'file', zz: '' })
    const dest = join(temp, `dir${dirs++}`)
    await transfer(await directoryTree(dir), { dest })
    assert.deepEqual(await transfer(await directoryTree(dir), { dest }), [])
    await writeFile(join(dir, 'd/edited'), 'newer')
    await rm(join(dir, 'gone'), { recursive: true })
    await rm(join(dir, 'kind'))
    await addTo(dir, { 'kind/of/dir': 'now', 'a new one': '' })
    const opened: string[] = []
    const tree = await directoryTree(dir)
    const watched: SyncTree = {
      walk: signal => tree.walk(signal),
      open: (path, signal) => {
        opened.push(path)
        return tree.open(path, signal)
      },
    }
    const changes = await transfer(watched, { dest })
    assert.deepEqual(summary(changes), [
      'add a new one',
      'modify d/edited',
      'delete gone',
      'modify kind',
      'add kind/of',
      'add kind/of/dir',
    ])
    assert.deepEqual(opened.sort(), ['a new one', 'd/edited', 'kind/of/dir'])
    assert.deepEqual(
      await Array.fromAsync((await directoryTree(dest)).walk()),
      await Array.fromAsync((await directoryTree(dir)).walk()),
    )
  })

  it('asks for every file when told to', async () => {
    const dir = await makeTree({ a: '1', 'b/c': '2' })
    const dest = join(temp, `dir${dirs++}`)
    await transfer(await directoryTree(dir), { dest })
    assert.deepEqual(summary(await transfer(await directoryTree(dir), { dest, differ: 'none' })), [
      'modify a',
      'modify b',
      'modify b/c',
    ])
  })

  it('asks for files with a time of whole seconds where only finer times count', async () => {
    const dir = await makeTree({ set: '1', found: '2' })
    await utimes(join(dir, 'set'), 1_700_000_000, 1_700_000_000)
    await utimes(join(dir, 'found'), 1_700_000_000.25, 1_700_000_000.25)
    const dest = join(temp, `dir${dirs++}`)
    await transfer(await directoryTree(dir), { dest })
    const again = await transfer(await directoryTree(dir), { dest, differ: 'fine-times' })
    assert.deepEqual(summary(again), ['modify set'])
  })

  it('links the names of a replaced file anew', async () => {
    const dir = await makeTree({ a: 'one', b: '= a' })
    const dest = join(temp, `dir${dirs++}`)
    await transfer(await directoryTree(dir), { dest })
    await writeFile(join(dir, 'a'), 'changed')
    await transfer(await directoryTree(dir), { dest })
    assert.equal(await readFile(join(dest, 'b'), 'utf8'), 'changed')
  })

  it('turns directories into files and links, and back', async () => {
    const dir = await makeTree({ 'x/y/z': '1', w: '2' })
    const dest = join(temp, `dir${dirs++}`)
    await transfer(await directoryTree(dir), { dest })
    await rm(join(dir, 'x'), { recursive: true })
    await rm(join(dir, 'w'))
    await addTo(dir, { x: '-> w', 'w/in': '3' })
    await transfer(await directoryTree(dir), { dest })
    assert.deepEqual(await pathsOf(dest), ['w', 'w/in', 'x'])
    await rm(join(dir, 'x'))
    await addTo(dir, { 'x/y': '4' })
    await transfer(await directoryTree(dir), { dest })
    assert.deepEqual(await pathsOf(dest), ['w', 'w/in', 'x', 'x/y'])
  })

  it('merges into a directory, and never writes through what is there', async () => {
    const outside = await makeTree({ secret: 'keep', 'dir/secret': 'keep' })
    const dest = await makeTree({
      'kept/file': 'kept',
      hole: `-> ${outside}/dir`,
      target: `-> ${outside}/secret`,
    })
    const dir = await makeTree({ 'hole/secret': 'new', target: 'new' })
    await transfer(await directoryTree(dir), { dest, mode: 'merge' })
    assert.deepEqual(await pathsOf(dest), ['hole', 'hole/secret', 'kept', 'kept/file', 'target'])
    assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'keep')
    assert.equal(await readFile(join(outside, 'dir/secret'), 'utf8'), 'keep')
  })

  it('moves thousands of files', async () => {
    const spec: Record<string, string> = {}
    for (let i = 0; i < 3000; i++) spec[`d${i % 30}/f${i}`] = `content ${i}`
    const dir = await makeTree(spec)
    const dest = join(temp, `dir${dirs++}`)
    const progress: number[] = []
    let done = 0
    const onProgress = (bytes: number, last: boolean): void => void (last ? done++ : progress.push(bytes))
    assert.equal((await transfer(await directoryTree(dir), { dest, onProgress })).length, 3030)
    assert.equal(await readFile(join(dest, 'd7/f2047'), 'utf8'), 'content 2047')
    assert.equal(done, 1)
    assert.ok(progress.every((bytes, i) => bytes >= (progress[i - 1] ?? 0)))
  })

  it('counts an empty tree as two bytes, as upstream shows it', async () => {
    let total = 0
    const onProgress = (bytes: number): void => void (total = bytes)
    await transfer(await directoryTree(await makeTree({})), { dest: join(temp, `dir${dirs++}`), onProgress })
    assert.equal(total, 2)
  })

  it('keeps names that are not UTF-8 out, with an error', async t => {
    const dir = await makeTree({})
    try {
      await writeFile(fsPath(join(dir, 'bad\udcff')), '')
    } catch {
      t.skip('the file system wants UTF-8 names')
      return
    }
    const [stat] = await Array.fromAsync((await directoryTree(dir)).walk())
    assert.equal(stat?.path, 'bad\udcff')
  })
})

describe('a directory that somebody changes while it is sent', () => {
  /** Sends it; `change` is called before each file is read. */
  async function sendWhile(dir: string, change: (path: string) => Promise<void>): Promise<string> {
    const dest = join(temp, `dir${dirs++}`)
    const tree = await directoryTree(dir)
    const open: SyncTree['open'] = async function* (path, signal) {
      await change(path)
      yield* tree.open(path, signal)
    }
    await transfer({ walk: signal => tree.walk(signal), open }, { dest })
    return dest
  }

  it('sends what became something else as an empty file, and follows no link', async () => {
    const dir = await makeTree({ gone: 'x', link: 'x', fifo: 'x', folder: 'x', secret: 'secret' })
    const dest = await sendWhile(dir, async path => {
      if (path === 'secret') return
      const full = join(dir, path)
      await rm(full)
      if (path === 'link') await symlink('secret', full)
      if (path === 'fifo') execFileSync('mkfifo', [full])
      if (path === 'folder') await mkdir(full)
    })
    for (const name of ['gone', 'link', 'fifo', 'folder'])
      assert.equal(await readFile(join(dest, name), 'utf8'), '', name)
    assert.equal(await readFile(join(dest, 'secret'), 'utf8'), 'secret')
  })

  it('sends of a file that grows what it had when it was listed', async () => {
    const dir = await makeTree({ log: 'one\n', big: 'x'.repeat(100_000) })
    const dest = await sendWhile(dir, async path => await appendFile(join(dir, path), 'y'.repeat(200_000)))
    assert.equal(await readFile(join(dest, 'log'), 'utf8'), 'one\n')
    assert.equal(await readFile(join(dest, 'big'), 'utf8'), 'x'.repeat(100_000))
  })

  it('looks into no directory that was a file when it was looked at', async () => {
    const names = Array.from({ length: 70 }, (_, i) => `a${i}`)
    const dir = await makeTree({ ...Object.fromEntries(names.map(name => [name, ''])), 'z/in': '' })
    const paths: string[] = []
    for await (const { path } of (await directoryTree(dir)).walk()) {
      paths.push(path)
      if (path === 'a0') {
        await rm(join(dir, 'z'), { recursive: true })
        await writeFile(join(dir, 'z'), '')
      }
      if (path === 'z') {
        await rm(join(dir, 'z'))
        await addTo(dir, { 'z/in': '' })
      }
    }
    assert.deepEqual(paths, [...names.sort(), 'z'])
  })
})

describe('a transfer that fails', () => {
  it('tells the receiver why the sender gave up', async () => {
    const tree: SyncTree = {
      async *walk() {
        yield create(StatSchema, { path: 'a', mode: 0o644 })
        throw new Error('disk on fire')
      },
      async *open() {},
    }
    await assert.rejects(transfer(tree, { dest: join(temp, `dir${dirs++}`) }), {
      message: 'error from sender: disk on fire',
    })
  })

  it('tells the sender why the receiver gave up', async () => {
    const incoming = new AsyncQueue<Packet>()
    incoming.push(packet.error('no space left'))
    const sent: Packet[] = []
    const tree = await directoryTree(await makeTree({ a: '' }))
    await assert.rejects(
      sendTree(tree, incoming, async p => void sent.push(p)),
      { message: 'error from receiver: no space left' },
    )
  })

  it('ends when the other side ends without a word', async () => {
    const gone = new AsyncQueue<Packet>()
    gone.end()
    const tree = await directoryTree(await makeTree({ a: '' }))
    await assert.rejects(
      sendTree(tree, gone, async () => {}),
      { code: 'unavailable' },
    )
    await assert.rejects(
      receiveTree(gone, async () => {}, { dest: join(temp, `dir${dirs++}`), mode: 'mirror' }),
      { code: 'unavailable' },
    )
  })

  it('stops on abort', async () => {
    const controller = new AbortController()
    const incoming = new AsyncQueue<Packet>()
    const tree = await directoryTree(await makeTree({ a: '' }))
    const sending = sendTree(tree, incoming, async () => {}, controller.signal)
    const receiving = receiveTree(incoming, async () => {}, {
      dest: join(temp, `dir${dirs++}`),
      mode: 'mirror',
      signal: controller.signal,
    })
    controller.abort()
    await assert.rejects(sending, { code: 'canceled' })
    await assert.rejects(receiving, { code: 'canceled' })
  })

  const file = (path: string, linkname = ''): Stat => create(StatSchema, { path, mode: 0o644, linkname })
  const directory = (path: string): Stat => create(StatSchema, { path, mode: goMode.directory + 0o755 })
  const symlinkTo = (path: string, linkname: string): Stat =>
    create(StatSchema, { path, mode: goMode.symlink + 0o777, linkname })
  /** what an evil sender may say, and the error */
  const evil: readonly (readonly [readonly Stat[], RegExp])[] = [
    [[file('../x')], /escape check/],
    [[file('..')], /escape check/],
    [[file('/etc/passwd')], /absolute path/],
    [[file('a//b')], /unclean path/],
    [[file('a/../b')], /unclean path/],
    [[file('')], /unclean path/],
    [[file('a\0b')], /unclean path/],
    [[symlinkTo('a', '/etc'), file('a/passwd')], /out of order/],
    [[file('a/b')], /out of order/],
    [[directory('b'), file('a')], /out of order/],
    [[file('a'), file('a')], /out of order/],
    [[directory('a'), directory('b'), file('a/x')], /out of order/],
    [[file('a', '/etc/passwd')], /unknown path/],
    [[symlinkTo('a', '/etc/passwd'), file('b', 'a')], /unknown path/],
  ]
  for (const [entries, expected] of evil) {
    it(`refuses ${entries.map(e => JSON.stringify(e.path)).join(', ')} (${expected.source})`, async () => {
      const order = new EntryOrder()
      assert.throws(
        () => {
          for (const entry of entries) order.check(entry)
        },
        { code: 'invalid-argument', message: expected },
      )
      const incoming = new AsyncQueue<Packet>()
      for (const entry of entries) incoming.push(packet.stat(entry))
      incoming.push(packet.stat())
      const dest = join(temp, `dir${dirs++}`, 'dest')
      const receiving = receiveTree(incoming, async () => {}, { dest, mode: 'mirror' })
      await assert.rejects(receiving, { message: expected })
    })
  }
})

describe('paths and modes', () => {
  it('orders paths as walks do', () => {
    const sorted = ['a', 'a/b', 'a/b/c', 'a-', 'a.b', 'a0', 'b', 'é', '\uffee', '\u{10000}']
    assert.deepEqual([...sorted].reverse().sort(comparePaths), sorted)
  })

  it('converts modes both ways', () => {
    for (const [unix, kind] of [
      [0o040755, 'directory'],
      [0o100644, 'file'],
      [0o106755, 'file'],
      [0o120777, 'symlink'],
      [0o020620, 'char'],
      [0o060660, 'block'],
      [0o010600, 'fifo'],
      [0o041777, 'directory'],
    ] as const) {
      const mode = toGoMode(unix)
      assert.ok(mode >= 0 && mode <= 0xffffffff)
      assert.equal(kindOf(mode), kind)
      assert.equal(unixPermissions(mode), unix & 0o7777)
      assert.equal(hasContent(mode), kind === 'file')
    }
    assert.equal(kindOf(toGoMode(0o140755)), 'file', 'sockets travel as files')
  })
})
