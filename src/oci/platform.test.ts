import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../../test/support/fuzz.ts'
import { platformOfMachine } from './host-platform.ts'
import {
  formatPlatform,
  formatPlatformAll,
  normalizePlatform,
  type Platform,
  parsePlatform,
} from './platform.ts'
import { parsePlatformList, uniquePlatforms } from './platform-list.ts'
import {
  allPlatforms,
  anyPlatform,
  compatiblePlatforms,
  matchingManifests,
  onlyPlatform,
  orderedPlatforms,
  strictPlatform,
} from './platform-match.ts'
import { windowsVersionMatches } from './windows-version.ts'
import { digestOf } from './digest.ts'

const amd64: Platform = { architecture: 'amd64', os: 'linux' }
const p = (text: string): Platform => parsePlatform(text, amd64)
const parseAll: readonly [text: string, expected: Platform, normalised: string][] = [
  ['linux', amd64, 'linux/amd64'],
  ['arm64', { architecture: 'arm64', os: 'linux' }, 'linux/arm64'],
  ['aarch64', { architecture: 'arm64', os: 'linux' }, 'linux/arm64'],
  ['armhf', { architecture: 'arm', os: 'linux' }, 'linux/arm/v7'],
  ['armel', { architecture: 'arm', os: 'linux', variant: 'v6' }, 'linux/arm/v6'],
  ['x86_64', amd64, 'linux/amd64'],
  ['i386', { architecture: '386', os: 'linux' }, 'linux/386'],
  ['macOS', { architecture: 'amd64', os: 'darwin' }, 'darwin/amd64'],
  ['linux/arm', { architecture: 'arm', os: 'linux' }, 'linux/arm/v7'],
  ['linux/arm/7', { architecture: 'arm', os: 'linux', variant: 'v7' }, 'linux/arm/v7'],
  ['linux/arm/v6', { architecture: 'arm', os: 'linux', variant: 'v6' }, 'linux/arm/v6'],
  ['linux/arm64', { architecture: 'arm64', os: 'linux' }, 'linux/arm64'],
  ['linux/arm64/v8', { architecture: 'arm64', os: 'linux', variant: 'v8' }, 'linux/arm64'],
  ['linux/arm64/8', { architecture: 'arm64', os: 'linux', variant: 'v8' }, 'linux/arm64'],
  ['linux/arm64/9', { architecture: 'arm64', os: 'linux', variant: 'v9' }, 'linux/arm64/v9'],
  ['linux/amd64/v1', amd64, 'linux/amd64'],
  ['Linux/AMD64/V3', { architecture: 'amd64', os: 'linux', variant: 'v3' }, 'linux/amd64/v3'],
  ['arm64/v8', { architecture: 'v8', os: 'arm64' }, 'arm64/v8'],
  ['linux/s390x', { architecture: 's390x', os: 'linux' }, 'linux/s390x'],
  ['foo/bar', { architecture: 'bar', os: 'foo' }, 'foo/bar'],
  [
    'windows(10.0.17763+win32k)/amd64',
    { architecture: 'amd64', os: 'windows', 'os.version': '10.0.17763', 'os.features': ['win32k'] },
    'windows/amd64',
  ],
]

describe('parsePlatform', () => {
  for (const [text, expected, normalised] of parseAll) {
    it(`reads ${text}`, () => {
      assert.deepEqual(p(text), expected)
      assert.equal(formatPlatform(normalizePlatform(p(text))), normalised)
    })
  }

  it('takes the architecture of an OS alone, and the OS of an architecture alone, from the machine', () => {
    const pi: Platform = { architecture: 'arm', os: 'freebsd', variant: 'v6' }
    assert.deepEqual(parsePlatform('linux', pi), { architecture: 'arm', os: 'linux', variant: 'v6' })
    assert.deepEqual(parsePlatform('linux', { ...pi, variant: 'v7' }), { architecture: 'arm', os: 'linux' })
    assert.deepEqual(parsePlatform('riscv64', pi), { architecture: 'riscv64', os: 'freebsd' })
  })

  const refused: readonly [text: string, message: string][] = [
    ['foo', '"foo": unknown operating system or architecture: invalid argument'],
    ['linux/*', '"linux/*": wildcards not yet supported: invalid argument'],
    [
      'linux/a b',
      '"a b" is an invalid component of "linux/a b": platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument',
    ],
    ['linux/arm/v7/x', '"linux/arm/v7/x": cannot parse platform specifier: invalid argument'],
    [
      'linux/arm/v7/x/y',
      '"x/y" is an invalid component of "linux/arm/v7/x/y": platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument',
    ],
    [
      '',
      '"" is an invalid OS component of "": OSAndVersion specifier component must match "^([A-Za-z0-9_-]+)(?:\\\\(([A-Za-z0-9_.%-]*)((?:\\\\+[A-Za-z0-9_.%-]+)*)\\\\))?$": invalid argument',
    ],
  ]
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text)} in the words of containerd`, () => {
      assert.throws(() => p(text), { code: 'invalid-argument', message })
    })
  }

  it('gives back what formatPlatformAll wrote, for every normalised platform', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,8}$/)
    const option = fc.string({ minLength: 1, maxLength: 8 }).filter(s => s.isWellFormed())
    fc.assert(
      fc.property(
        word,
        word,
        fc.option(word),
        option,
        fc.uniqueArray(option),
        (os, arch, variant, version, features) => {
          const encodable = [version, ...features].every(o => /^[A-Za-z0-9_.+()/%-]+$/.test(o))
          fc.pre(encodable && !/^\.+$/.test(arch) && !/^\.+$/.test(variant ?? '') && /^[a-z0-9_-]+$/.test(os))
          const platform = normalizePlatform({
            architecture: arch,
            os,
            'os.version': version,
            'os.features': features,
            ...(variant === null ? {} : { variant }),
          })
          assert.deepEqual(normalizePlatform(p(formatPlatformAll(platform))), platform)
        },
      ),
    )
  })
})

describe('formatting', () => {
  it('says unknown without an OS and keeps unknown/unknown of attestations', () => {
    assert.equal(formatPlatform({ architecture: 'amd64', os: '' }), 'unknown')
    assert.equal(formatPlatform({ architecture: 'unknown', os: 'unknown' }), 'unknown/unknown')
  })

  it('escapes and sorts OS options', () => {
    const platform: Platform = {
      architecture: 'amd64',
      os: 'w',
      'os.version': '1(2)',
      'os.features': ['b/c', 'a', 'a'],
    }
    assert.equal(formatPlatformAll(platform), 'w(1%282%29+a+b%2Fc)/amd64')
  })

  it('lists of the --platform flag keep order and repetitions, and know the word local', () => {
    const arm: Platform = { architecture: 'arm64', os: 'linux', variant: 'v8' }
    const list = parsePlatformList(['linux/arm/v6,LOCAL', 'linux/arm64', 'arm64'], arm)
    assert.deepEqual(list.map(formatPlatform), ['linux/arm/v6', 'linux/arm64', 'linux/arm64', 'linux/arm64'])
    assert.deepEqual(uniquePlatforms(list).map(formatPlatform), ['linux/arm/v6', 'linux/arm64'])
  })
})

describe('matchers', () => {
  const runs: readonly [machine: string, list: string][] = [
    ['linux/amd64', 'linux/amd64 linux/386'],
    ['linux/amd64/v3', 'linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386'],
    ['linux/arm', 'linux/arm/v7 linux/arm/v6 linux/arm/v5'],
    ['linux/arm/v5', 'linux/arm/v5'],
    ['linux/arm64', 'linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5'],
    [
      'linux/arm64/v8.2',
      'linux/arm64/v8.2 linux/arm64/v8.1 linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5',
    ],
    [
      'linux/arm64/v9',
      'linux/arm64/v9 linux/arm64/v8.5 linux/arm64/v8.4 linux/arm64/v8.3 linux/arm64/v8.2 linux/arm64/v8.1 linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5',
    ],
    ['linux/arm64/v10', ''],
    ['linux/s390x', 'linux/s390x'],
  ]
  for (const [machine, list] of runs) {
    it(`${machine} runs ${list || 'nothing'}, in that order`, () => {
      const vector = compatiblePlatforms(normalizePlatform(p(machine))).map(q =>
        formatPlatform(normalizePlatform(q)),
      )
      assert.equal(vector.join(' '), list)
    })
  }

  it('only takes compatible ones, strict only itself, any each of its list', () => {
    assert.equal(onlyPlatform(p('linux/arm/v7')).match(p('linux/arm/v6')), true)
    assert.equal(onlyPlatform(p('linux/arm/v6')).match(p('linux/arm/v7')), false)
    assert.equal(strictPlatform(p('linux/arm/v7')).match(p('linux/arm/v6')), false)
    assert.equal(strictPlatform(p('linux/arm64/v8')).match(p('linux/arm64')), true)
    assert.equal(anyPlatform([p('linux/arm64'), p('linux/386')]).match(p('linux/386')), true)
    assert.equal(anyPlatform([p('linux/arm64')]).match(p('linux/arm/v7')), false)
    assert.equal(onlyPlatform(amd64).match(p('windows/amd64')), false)
    assert.equal(allPlatforms.match(p('a/b')), true)
  })

  it('prefers the closest, and more features between equals', () => {
    const order = (texts: string, machine: string): string =>
      texts
        .split(' ')
        .map(p)
        .sort(onlyPlatform(p(machine)).compare)
        .map(formatPlatformAll)
        .join(' ')
    assert.equal(
      order('linux/386 linux/amd64 linux/amd64/v2', 'linux/amd64/v3'),
      'linux/amd64/v2 linux/amd64 linux/386',
    )
    assert.equal(
      order('linux/amd64 linux(+a)/amd64 linux(+a+b)/amd64', 'linux(+a+b)/amd64'),
      'linux(+a+b)/amd64 linux(+a)/amd64 linux/amd64',
    )
    assert.equal(orderedPlatforms([p('linux/386'), amd64]).compare(p('linux/386'), amd64), -1)
    assert.equal(anyPlatform([p('linux/386'), amd64]).compare(p('linux/386'), amd64), 0)
    assert.equal(anyPlatform([amd64]).compare(p('linux/386'), amd64), 1)
  })

  it('picks manifests for a platform, skips attestations, and puts entries without a platform last', () => {
    const entry = (text: string) => ({
      mediaType: 'm',
      digest: digestOf(text),
      size: 1,
      ...(text === '-' ? {} : { platform: p(text) }),
    })
    const index = ['-', 'unknown/unknown', 'linux/arm/v6', 'linux/arm64', 'linux/arm/v7'].map(entry)
    const found = matchingManifests(index, onlyPlatform(p('linux/arm64')))
    assert.deepEqual(found, ['linux/arm64', 'linux/arm/v7', 'linux/arm/v6', '-'].map(entry))
    assert.deepEqual(matchingManifests(index.slice(1), onlyPlatform(p('linux/s390x'))), [])
  })

  it('asks for no feature that the image does not need, and for the right Windows release', () => {
    assert.equal(onlyPlatform(p('linux(+sse)/amd64')).match(amd64), true)
    assert.equal(onlyPlatform(amd64).match(p('linux(+sse)/amd64')), false)
    const server = onlyPlatform(p('windows(10.0.20348.1)/amd64'))
    assert.equal(server.match(p('windows(10.0.20348.99+win32k)/amd64')), true)
    assert.equal(server.match(p('windows(10.0.17763.1)/amd64')), false)
    assert.equal(windowsVersionMatches('10.0.26100', '10.0.20348'), true)
    assert.equal(windowsVersionMatches('10.0.17763', '10.0.17763.5'), true)
    assert.equal(windowsVersionMatches('10.0.17763', '10.0.17764'), false)
    assert.equal(windowsVersionMatches('', '10.0.1'), true)
    assert.equal(windowsVersionMatches('10.0.20348', 'junk'), false)
  })
})

describe('platformOfMachine', () => {
  const table: readonly [facts: Parameters<typeof platformOfMachine>[0], expected: string][] = [
    [{ arch: 'x64', endianness: 'LE' }, 'linux/amd64'],
    [{ arch: 'ppc64', endianness: 'LE' }, 'linux/ppc64le'],
    [{ arch: 's390x', endianness: 'BE' }, 'linux/s390x'],
    [{ arch: 'arm64', endianness: 'LE', cpuinfo: 'CPU architecture: 8\n' }, 'linux/arm64/v8'],
    [{ arch: 'arm', endianness: 'LE', cpuinfo: 'CPU architecture: 7\n' }, 'linux/arm/v7'],
    [
      {
        arch: 'arm',
        endianness: 'LE',
        cpuinfo: 'model name\t: ARMv6-compatible processor rev 7\nCPU architecture: 7\n',
      },
      'linux/arm/v6',
    ],
    [{ arch: 'arm', endianness: 'LE', machine: 'armv6l' }, 'linux/arm/v6'],
    [{ arch: 'arm64', endianness: 'LE', machine: 'aarch64' }, 'linux/arm64/v8'],
  ]
  for (const [facts, expected] of table) {
    it(`${facts.arch} ${facts.machine ?? ''} is ${expected}`, () => {
      assert.equal(formatPlatform(platformOfMachine(facts)), expected)
    })
  }
})
