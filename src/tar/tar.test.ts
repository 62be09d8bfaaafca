import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fc } from '../../test/support/fuzz.ts'
import { encodeHeader, endOfArchive, padding } from './encode-header.ts'
import { noXattrs, type TarEntry } from './entry.ts'
import { parseNumber } from './number-field.ts'
import { formatPaxRecord, formatPaxTime, parsePax, parsePaxTime } from './pax.ts'
import { TarReader } from './reader.ts'
import { readTar } from './read-tar.ts'

const plain: TarEntry = {
  type: 'file',
  name: 'f',
  linkname: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtimeNs: 0n,
  devmajor: 0,
  devminor: 0,
  xattrs: noXattrs,
}

interface Read {
  readonly entry: TarEntry
  /** Content with its holes filled. */
  readonly content: Buffer
}

function read(archive: Uint8Array, step = archive.length || 1): Read[] {
  const members: Read[] = []
  let content = Buffer.alloc(0)
  const reader = new TarReader({
    entry: entry => {
      content = Buffer.alloc(entry.size)
      members.push({ entry, content })
    },
    data: (chunk, offset) => void chunk.copy(content, offset),
    finish: () => {},
  })
  for (let at = 0; at < archive.length; at += step) reader.write(archive.subarray(at, at + step))
  reader.end()
  return members
}

function write(...members: readonly (readonly [TarEntry, (string | Buffer)?])[]): Buffer {
  const parts: Uint8Array[] = []
  for (const [entry, content = ''] of members) {
    const bytes = Buffer.from(content)
    parts.push(encodeHeader({ ...entry, size: bytes.length }), bytes, padding(bytes.length))
  }
  return Buffer.concat([...parts, endOfArchive])
}

const sh = (script: string, input?: Buffer): Buffer => {
  const dir = mkdtempSync(join(tmpdir(), 'slipway-tar-'))
  try {
    return execFileSync('sh', ['-ec', script], {
      cwd: dir,
      input: input ?? '',
      maxBuffer: 1 << 26,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  } finally {
    rmSync(dir, { recursive: true })
  }
}

describe('header bytes', () => {
  it('are one block where everything fits', () => {
    const block = encodeHeader({
      ...plain,
      name: 'etc/passwd',
      mode: 0o644,
      uid: 1,
      gid: 2,
      size: 5,
      mtimeNs: 10n ** 9n,
    })
    assert.equal(block.length, 512)
    const fields = block.toString('latin1').replaceAll('\0', '.')
    assert.ok(fields.startsWith('etc/passwd....'))
    assert.equal(fields.slice(100, 157), '0000644.0000001.0000002.00000000005.00000000001.011203. 0')
    assert.equal(fields.slice(257, 265), 'ustar.00')
    assert.equal(fields.slice(329, 345), '0000000.0000000.')
  })

  it('put what does not fit into sorted extended records', () => {
    const name = `${'d/'.repeat(60)}ü`
    const bytes = encodeHeader({
      ...plain,
      name,
      uid: 3_000_000,
      mtimeNs: 1_500_000_000n,
      xattrs: new Map([['security.capability', Buffer.from([0, 1, 10, 255])]]),
    })
    assert.equal(bytes.toString('latin1', 0, 96), 'd/'.repeat(48))
    const records = parsePax(bytes.subarray(512, 512 + parseNumber(bytes, 124, 12)))
    assert.deepEqual(
      records.map(([key]) => key),
      ['SCHILY.xattr.security.capability', 'mtime', 'path', 'uid'],
    )
    assert.equal(records[1]?.[1].toString(), '1.5')
  })

  it('name the extended header after the member', () => {
    const name = (entry: string): string =>
      encodeHeader({ ...plain, name: entry, mtimeNs: 1n })
        .toString('latin1', 0, 100)
        .replace(/\0+$/, '')
    assert.equal(name('a/b/c'), 'a/b/PaxHeaders.0/c')
    assert.equal(name('a/b/'), 'a/b/PaxHeaders.0')
    assert.equal(name('x'), 'PaxHeaders.0/x')
  })

  it('split long names of whiteouts as ustar does', () => {
    const name = `${'directory/'.repeat(12)}.wh.x`
    const block = encodeHeader({ ...plain, name }, { format: 'ustar' })
    assert.equal(block.length, 512)
    assert.equal(read(Buffer.concat([block, endOfArchive]))[0]?.entry.name, name)
    assert.equal(encodeHeader({ ...plain, name }).length, 3 * 512)
    assert.equal(encodeHeader({ ...plain, name: 'x'.repeat(101) }, { format: 'ustar' }).length, 3 * 512)
  })
})

describe('PAX records', () => {
  it('count their own length', () => {
    assert.equal(formatPaxRecord('a', 'b').toString(), '6 a=b\n')
    for (const n of [90, 91, 92, 93, 94, 95, 96, 988, 989, 990, 991, 992]) {
      const record = formatPaxRecord('k', 'v'.repeat(n))
      assert.equal(record.length, Number.parseInt(record.toString(), 10))
    }
  })

  it('are refused when they lie', () => {
    for (const text of [
      '6 a=b',
      '7 a=b\n',
      '5 a=b\n',
      'x a=b\n',
      '0 \n',
      '6 ab=\n6',
      '5 =b\n',
      '99999999999999999999 a=b\n',
    ]) {
      assert.throws(() => parsePax(Buffer.from(text)), { code: 'data-loss' }, text)
    }
    assert.throws(() => parsePax(formatPaxRecord('path', 'a\0b')), { code: 'data-loss' })
  })

  it('keep times to the nanosecond', () => {
    for (const [text, ns] of [
      ['1.5', 1_500_000_000n],
      ['-1.000000001', -1_000_000_001n],
      ['0', 0n],
    ] as const) {
      assert.equal(parsePaxTime(text), ns)
      assert.equal(formatPaxTime(ns), text)
    }
    assert.equal(parsePaxTime('1.1234567891'), 1_123_456_789n)
    for (const bad of ['', '.5', '1e3', '0x1', '1,5'])
      assert.throws(() => parsePaxTime(bad), { code: 'data-loss' })
  })
})

describe('reader', () => {
  it('reads back what was written, in chunks of any size', () => {
    const arbitrary = fc.record({
      name: fc
        .string({ unit: 'binary', minLength: 1, maxLength: 300 })
        .filter(s => !s.includes('\0') && !s.endsWith('/') && s.isWellFormed()),
      mode: fc.nat(0o7777),
      uid: fc.nat(2 ** 31),
      gid: fc.nat(2 ** 31),
      mtimeNs: fc.bigInt(-(10n ** 18n), 10n ** 20n),
      content: fc.uint8Array({ maxLength: 2000 }),
      xattr: fc.uint8Array({ maxLength: 50 }),
      step: fc.integer({ min: 1, max: 1500 }),
    })
    fc.assert(
      fc.property(arbitrary, ({ content, xattr, step, ...rest }) => {
        const entry = { ...plain, ...rest, xattrs: new Map([['user.x', Buffer.from(xattr)]]) }
        const members = read(write([entry, Buffer.from(content)], [plain, 'next']), step)
        assert.deepEqual(members[0], {
          entry: { ...entry, size: content.length },
          content: Buffer.from(content),
        })
        assert.equal(members[1]?.content.toString(), 'next')
      }),
      { numRuns: 200 },
    )
  })

  it('reads archives of GNU tar in its formats, with sparse files in all forms', () => {
    const long = `${'l/'.repeat(120)}end`
    const script = (options: string): string => `
      umask 022
      mkdir -p ${'l/'.repeat(120)}; echo hi > ${long}; ln -s ${long} sym; ln ${long} z-hard
      printf A > holes; truncate -s 1000000 holes; printf B >> holes; truncate -s 3000000 holes
      for i in 1 2 3 4 5 6 7 8 9; do printf $i; truncate -s $((i * 100000)) many; printf $i >> many; done > /dev/null
      touch -d @1700000000.5 holes many ${long}; printf 'odd' > "$(printf 'n\\377')"
      tar --sort=name ${options} -cf - holes many sym "$(printf 'n\\377')" ${long} z-hard`
    for (const options of [
      '--format=gnu -S',
      '--format=oldgnu -S',
      '--format=pax -S --sparse-version=0.0',
      '--format=pax -S --sparse-version=0.1',
      '--format=pax -S --sparse-version=1.0',
      '--format=gnu',
      '--format=pax',
    ]) {
      const members = new Map(read(sh(script(options)), 777).map(m => [m.entry.name, m]))
      const holes = members.get('holes')
      assert.equal(holes?.entry.size, 3_000_000, options)
      assert.equal(holes.content[0], 65)
      assert.equal(holes.content[1_000_000], 66)
      assert.equal(holes.content.filter(b => b !== 0).length, 2)
      assert.equal(members.get('many')?.content.filter(b => b !== 0).length, 9, options)
      assert.equal(members.get(long)?.content.toString(), 'hi\n')
      assert.equal(members.get('sym')?.entry.linkname, long)
      assert.equal(members.get('z-hard')?.entry.type, 'hardlink')
      assert.equal(members.get('z-hard')?.entry.linkname, long)
      assert.ok(members.has('n\udcff'), options)
      if (options.includes('pax')) assert.equal(holes.entry.mtimeNs, 1_700_000_000_500_000_000n)
    }
  })

  it('is understood by GNU tar', () => {
    const archive = write(
      [{ ...plain, name: `${'long/'.repeat(30)}ü`, mtimeNs: 1_700_000_000_000_000_000n }, 'content'],
      [{ ...plain, name: 'link', type: 'symlink', linkname: 'x'.repeat(150) }],
      [{ ...plain, name: 'dev', type: 'char', devmajor: 1, devminor: 3 }],
    )
    const listing = sh('LC_ALL=C.UTF-8 TZ=UTC tar -tvf -', archive).toString()
    assert.match(listing, /2023-11-14 22:13 (long\/){30}ü/)
    assert.match(listing, /link -> x{150}/)
    assert.match(listing, /crw-r--r-- 0\/0 +1,3/)
  })

  it('knows V7 archives, base 256 numbers and signed checksums', () => {
    const block = Buffer.alloc(512)
    block.write('old/')
    block.write('0000755\0', 100, 'latin1')
    block.writeUInt32BE(0x80000000, 108)
    block.writeUInt32BE(123_456_789, 112)
    block.fill(0xff, 116, 124)
    block.write('n\u00ff', 200, 'latin1')
    let sum = 256
    for (const byte of block) sum += byte < 128 ? byte : byte - 256
    block.write(sum.toString(8).padStart(6, '0'), 148, 'latin1')
    const [member] = read(Buffer.concat([block, endOfArchive]))
    assert.equal(member?.entry.type, 'directory')
    assert.equal(member.entry.uid, 123_456_789)
    assert.equal(member.entry.gid, 0xffff_ffff)
  })

  it('ignores global headers, volume labels and what follows the end', () => {
    const global = Buffer.from(encodeHeader({ ...plain, name: 'x', mtimeNs: 1n }))
    const withGlobal = (bytes: Buffer): Buffer => {
      const copy = Buffer.from(bytes)
      copy[156] = 'g'.charCodeAt(0)
      return fixChecksum(copy)
    }
    const label = fixChecksum(Buffer.from(encodeHeader({ ...plain, name: 'label' }).fill('V', 156, 157)))
    const members = read(
      Buffer.concat([
        withGlobal(global.subarray(0, 1024)),
        label,
        write([plain, 'x']),
        Buffer.from('rubbish'),
      ]),
    )
    assert.deepEqual(
      members.map(m => [m.entry.name, m.entry.mtimeNs]),
      [['f', 0n]],
    )
  })

  it('takes an archive without an end and refuses a cut one', () => {
    const archive = write([plain, 'x'.repeat(600)])
    assert.equal(read(archive.subarray(0, archive.length - 1024)).length, 1)
    assert.equal(read(archive.subarray(0, archive.length - 512)).length, 1)
    for (const cut of [100, 600, 1100])
      assert.throws(() => read(archive.subarray(0, cut)), {
        code: 'data-loss',
        message: 'archive/tar: unexpected EOF',
      })
  })

  it('refuses broken and boundless headers', () => {
    const broken = Buffer.from(write([plain]))
    broken[0] = 99
    assert.throws(() => read(broken), { code: 'data-loss', message: 'archive/tar: invalid tar header' })
    const huge = Buffer.from(encodeHeader({ ...plain, size: 2 << 20 }))
    for (const kind of 'xgLK') {
      huge[156] = kind.charCodeAt(0)
      assert.throws(() => read(fixChecksum(huge)), { message: 'archive/tar: header field too long' })
    }
    const unknown = Buffer.from(encodeHeader(plain))
    unknown[156] = 'Z'.charCodeAt(0)
    assert.throws(() => read(fixChecksum(unknown)), { message: 'archive/tar: unhandled tar header type 90' })
  })

  it('refuses sparse maps that do not add up', () => {
    const sparse = (map: string, stored: string): Buffer => {
      const header = encodeHeader({ ...plain, size: stored.length })
      const records = Buffer.concat([
        formatPaxRecord('GNU.sparse.map', map),
        formatPaxRecord('GNU.sparse.numblocks', String(map.split(',').length >> 1)),
        formatPaxRecord('GNU.sparse.size', '1000'),
      ])
      const pax = Buffer.from(encodeHeader({ ...plain, size: records.length }))
      pax[156] = 'x'.charCodeAt(0)
      return Buffer.concat([
        fixChecksum(pax),
        records,
        padding(records.length),
        header,
        Buffer.from(stored),
        padding(stored.length),
      ])
    }
    assert.equal(read(sparse('10,2,20,1', 'abc'))[0]?.content.toString('latin1', 10, 12), 'ab')
    for (const bad of ['10,2', '10,2,5,1', '10,2,999,2', '10,4', '10,2,20', '10,-2,20,5', 'a,b']) {
      assert.throws(() => read(sparse(bad, 'abc')), { code: 'data-loss' }, bad)
    }
  })

  it('never does anything but fail on random bytes', () => {
    const mutate = (bytes: Buffer, at: number, value: number): Buffer => {
      const copy = Buffer.from(bytes)
      copy[at % copy.length] = value
      return fixChecksum(copy)
    }
    const archive = write(
      [{ ...plain, name: 'é'.repeat(60), mtimeNs: 5n }, 'abc'],
      [{ ...plain, type: 'symlink', linkname: 'x' }],
    )
    fc.assert(
      fc.property(fc.nat(4096), fc.nat(255), (at, value) => {
        try {
          read(mutate(archive, at, value), 100)
        } catch (e) {
          assert.ok(['data-loss', 'unimplemented'].includes((e as { code: string }).code), String(e))
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('readTar', () => {
  it('hands out what came before a fault', async () => {
    const good = write([{ ...plain, name: 'a', size: 1 }, 'x']).subarray(0, 1024)
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield Buffer.concat([good, Buffer.alloc(512, 'x')])
    }
    const members = readTar(bytes())
    assert.equal((await members.next()).value?.entry.name, 'a')
    await assert.rejects(members.next(), { code: 'data-loss' })
  })

  it('gives members and skips what is not read', async () => {
    const archive = write([{ ...plain, name: 'a' }, 'first'], [{ ...plain, name: 'b' }, 'second'])
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < archive.length; at += 700) yield archive.subarray(at, at + 700)
    }
    const seen: string[] = []
    for await (const { entry, content } of readTar(source())) {
      seen.push(entry.name)
      if (entry.name === 'b') for await (const { bytes } of content) seen.push(Buffer.from(bytes).toString())
    }
    assert.deepEqual(seen, ['a', 'b', 'second'])
  })
})

function fixChecksum(bytes: Buffer): Buffer {
  bytes.fill(0x20, 148, 156)
  let sum = 0
  for (const byte of bytes.subarray(0, 512)) sum += byte
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}
