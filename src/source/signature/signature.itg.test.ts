import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { lacks } from '../../../test/support/need.ts'
import { verifyGitSignature } from '../git/verify-signature.ts'
import { verifyOpenPgp } from './openpgp.ts'
import { verifySshSignature } from './ssh-signature.ts'

// Keys are made after this file was read.
const now = Math.floor(Date.now() / 1000) + 60
const policy = { rejectExpired: false, now }

describe('OpenPGP signatures of gpg', { skip: lacks({ programs: ['gpg'] }) }, () => {
  const root = mkdtempSync(join(tmpdir(), 'slipway-pgp-'))
  const file = join(root, 'data')
  const gpg = (...args: readonly string[]): string =>
    execFileSync(
      'gpg',
      ['--homedir', join(root, 'home'), '--batch', '--pinentry-mode', 'loopback', ...args],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
  const keys: Record<string, string> = {}

  before(() => {
    mkdirSync(join(root, 'home'), { mode: 0o700 })
    writeFileSync(file, 'signed\ndata\n')
    const make = (name: string, algorithm: string, usage: string, expires: string): void => {
      gpg('--passphrase', '', '--quick-gen-key', `${name}@example.com`, algorithm, usage, expires)
      keys[name] = gpg('--armor', '--export', `${name}@example.com`)
    }
    make('rsa', 'rsa2048', 'sign', 'never')
    make('short', 'rsa1024', 'sign', 'never')
    make('ed', 'ed25519', 'sign', '1y')
    make('ecdsa', 'nistp384', 'sign', 'never')
    make('parent', 'ed25519', 'cert', 'never')
    const [, fingerprint = ''] =
      /^fpr:+([0-9A-F]+):/m.exec(gpg('--with-colons', '-k', 'parent@example.com')) ?? []
    gpg('--passphrase', '', '--quick-add-key', fingerprint, 'ed25519', 'sign', 'never')
    keys['parent'] = gpg('--armor', '--export', 'parent@example.com')
  })
  after(() => {
    execFileSync('gpgconf', ['--homedir', join(root, 'home'), '--kill', 'all'])
    rmSync(root, { recursive: true, force: true })
  })

  const sign = (name: string, ...args: readonly string[]): string =>
    gpg('-u', `${name}@example.com`, '--armor', ...args, '--detach-sign', '-o', '-', file)
  const data = (): Iterable<Uint8Array> => [readFileSync(file)]

  it('hold by RSA, EdDSA and ECDSA keys, and by subkeys', () => {
    for (const name of ['rsa', 'ed', 'ecdsa', 'parent'])
      verifyOpenPgp(data, sign(name), keys[name] ?? '', { rejectExpired: true, now })
  })

  it('hold over text, by one key of many, and with other hashes', () => {
    verifyOpenPgp(data, sign('rsa', '--textmode'), keys['rsa'] ?? '', policy)
    verifyOpenPgp(data, sign('ed', '--digest-algo', 'SHA384'), `${keys['rsa']}\n${keys['ed']}`, policy)
  })

  it('do not hold over other data, nor by other keys', () => {
    const signature = sign('ed')
    const other = (): Iterable<Uint8Array> => [Buffer.from('other')]
    assert.throws(() => verifyOpenPgp(other, signature, keys['ed'] ?? '', policy), {
      message: /^signature by [0-9A-F]{16}: openpgp: invalid signature/,
    })
    assert.throws(() => verifyOpenPgp(data, signature, keys['rsa'] ?? '', policy), {
      message: /^signature by [0-9A-F]{16}: openpgp: signature made by unknown entity$/,
    })
  })

  it('do not hold by short keys, with weak hashes, nor by keys that have expired', () => {
    assert.throws(() => verifyOpenPgp(data, sign('short'), keys['short'] ?? '', policy), {
      message: /RSA key too short: 1024 bits/,
    })
    const weak = sign('rsa', '--digest-algo', 'SHA1')
    assert.throws(() => verifyOpenPgp(data, weak, keys['rsa'] ?? '', policy), { message: /weak/ })
    const later = now + 800 * 86_400
    const signature = sign('ed')
    verifyOpenPgp(data, signature, keys['ed'] ?? '', { rejectExpired: false, now: later })
    assert.throws(
      () => verifyOpenPgp(data, signature, keys['ed'] ?? '', { rejectExpired: true, now: later }),
      { message: /key expired/ },
    )
    assert.throws(
      () => verifyOpenPgp(data, signature, keys['ed'] ?? '', { rejectExpired: false, now: now - 3600 }),
      { message: 'signature creation time is in the future' },
    )
  })

  it('hold for commits and tags of git, whichever hash names them', {
    skip: lacks({ programs: ['git'] }),
  }, () => {
    for (const format of ['sha1', 'sha256']) {
      const repository = join(root, format)
      const signer = ['-c', 'user.name=t', '-c', 'user.email=t@e', '-c', 'gpg.format=openpgp']
      const git = (...args: readonly string[]): Buffer =>
        execFileSync('git', ['-C', repository, ...signer, ...args], {
          env: { ...process.env, GNUPGHOME: join(root, 'home') },
          stdio: ['ignore', 'pipe', 'ignore'],
        })
      mkdirSync(repository)
      git('init', '-q', `--object-format=${format}`)
      const by = (name: string): readonly string[] => ['-c', `user.signingkey=${name}@example.com`]
      git(...by('ed'), 'commit', '-q', '-S', '--allow-empty', '-m', 'signed')
      git(...by('rsa'), 'tag', '-s', '-m', 'tag\n\nöther', 'v1')
      const name = (of: string): string => String(git('rev-parse', of)).trim()
      const commit = { commit: git('cat-file', 'commit', 'HEAD'), commitName: name('HEAD') }
      const tagged = { ...commit, tag: git('cat-file', 'tag', 'v1'), tagName: name('v1') }
      const wish = { rejectExpired: true, requireSignedTag: false, ignoreSignedTag: false }
      verifyGitSignature(commit, { ...wish, publicKey: keys['ed'] ?? '' }, now)
      verifyGitSignature(tagged, { ...wish, publicKey: keys['rsa'] ?? '', requireSignedTag: true }, now)
      verifyGitSignature(tagged, { ...wish, publicKey: keys['ed'] ?? '', ignoreSignedTag: true }, now)
      const other = { ...wish, publicKey: keys['ecdsa'] ?? '' }
      assert.throws(() => verifyGitSignature(tagged, other, now), { message: /unknown entity$/ })
    }
  })

  it('of broken packets are refused, whatever is broken', () => {
    const signature = sign('rsa')
    assert.throws(() => verifyOpenPgp(data, signature, 'ssh-ed25519 AAAA', policy), {
      message: 'failed to read armored public key: no armored data found',
    })
    assert.throws(() => verifyOpenPgp(data, 'nothing', keys['rsa'] ?? '', policy), {
      code: 'invalid-argument',
    })
    const lines = (keys['rsa'] ?? '').split('\n')
    for (let i = 2; i < lines.length - 3; i++) {
      const broken = lines.map((line, j) => (i === j ? `////${line.slice(4)}` : line)).join('\n')
      assert.throws(() => verifyOpenPgp(data, signature, broken, policy), { name: 'SlipwayError' })
    }
  })
})

describe('signatures of git', { skip: lacks({ programs: ['git', 'ssh-keygen'] }) }, () => {
  const root = mkdtempSync(join(tmpdir(), 'slipway-ssh-'))
  after(() => rmSync(root, { recursive: true, force: true }))
  const run = (program: string, ...args: readonly string[]): Buffer =>
    execFileSync(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
  const publicKeys: Record<string, string> = {}

  before(() => {
    for (const [name, ...type] of [
      ['ed25519', 'ed25519'],
      ['rsa', 'rsa', '-b', '2048'],
      ['ecdsa', 'ecdsa', '-b', '384'],
    ] as const) {
      run('ssh-keygen', '-q', '-N', '', '-t', ...type, '-f', join(root, name))
      publicKeys[name] = readFileSync(join(root, `${name}.pub`), 'utf8')
    }
    writeFileSync(join(root, 'data'), 'data')
  })

  it('hold by keys of ssh, for the use they were made for', () => {
    for (const [name, key] of Object.entries(publicKeys)) {
      run('ssh-keygen', '-q', '-Y', 'sign', '-n', 'git', '-f', join(root, name), join(root, 'data'))
      const signature = readFileSync(join(root, 'data.sig'), 'utf8')
      rmSync(join(root, 'data.sig'))
      verifySshSignature(Buffer.from('data'), signature, key, 'git')
      const verify = (data: string, publicKey: string, use: string) => () =>
        verifySshSignature(Buffer.from(data), signature, publicKey, use)
      assert.throws(verify('other', key, 'git'), { code: 'permission-denied' })
      assert.throws(verify('data', key, 'file'), { message: 'unexpected SSH signature namespace: "git"' })
      const other = publicKeys[name === 'rsa' ? 'ecdsa' : 'rsa'] ?? ''
      assert.throws(verify('data', other, 'git'), { message: /public key does not match/ })
      assert.throws(verify('data', 'nothing', 'git'), { message: /^failed to parse ssh public key/ })
    }
  })

  it('are those of tags, else of commits, of the objects that were asked for', () => {
    const repository = join(root, 'repository')
    const git = (...args: readonly string[]): string =>
      run(
        'git',
        '-C',
        repository,
        '-c',
        'user.name=t',
        '-c',
        'user.email=t@e',
        '-c',
        'gpg.format=ssh',
        ...args,
      )
        .toString()
        .trim()
    mkdirSync(repository)
    git('init', '-q')
    const signWith = (name: string): string => `user.signingkey=${join(root, `${name}.pub`)}`
    git('-c', signWith('ed25519'), 'commit', '-q', '-S', '--allow-empty', '-m', 'signed\n\nöther')
    git('-c', signWith('rsa'), 'tag', '-s', '-m', 'tag', 'v1')
    git('tag', '-a', '-m', 'unsigned', 'v2')
    const object = (name: string): Buffer =>
      run('git', '-C', repository, 'cat-file', name.startsWith('v') ? 'tag' : 'commit', name)
    const commitName = git('rev-parse', 'HEAD')
    const objects = (tag?: string) => ({
      commit: object('HEAD'),
      commitName,
      ...(tag === undefined ? {} : { tag: object(tag), tagName: git('rev-parse', tag) }),
    })
    const wish = { rejectExpired: false, requireSignedTag: false, ignoreSignedTag: false }
    const by = (name: string) => ({ ...wish, publicKey: publicKeys[name] ?? '' })
    verifyGitSignature(objects(), by('ed25519'), now)
    verifyGitSignature(objects('v1'), by('rsa'), now)
    verifyGitSignature(objects('v1'), by('ed25519'), now)
    verifyGitSignature(objects('v2'), by('ed25519'), now)
    verifyGitSignature(objects('v1'), { ...by('rsa'), requireSignedTag: true }, now)
    const failing =
      (tag: string | undefined, more: Partial<ReturnType<typeof by>>, name = 'ed25519') =>
      () =>
        verifyGitSignature(objects(tag), { ...by(name), ...more }, now)
    assert.throws(failing('v1', { requireSignedTag: true }), { message: /public key does not match/ })
    assert.throws(failing('v2', { requireSignedTag: true }), { message: 'git object is not signed' })
    assert.throws(failing(undefined, { requireSignedTag: true }), { message: /no signed tag found/ })
    assert.throws(failing('v1', { ignoreSignedTag: true }, 'rsa'), { message: /public key does not match/ })
    assert.throws(
      () => verifyGitSignature({ ...objects(), commitName: 'a'.repeat(40) }, by('ed25519'), now),
      { code: 'data-loss' },
    )
  })
})
