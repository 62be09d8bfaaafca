import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSlipwayError } from '../../errors/slipway-error.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { formatPlatform } from '../../oci/platform.ts'
import { emulatedArchitectures, findArchitecture } from './architectures.ts'
import { checkPlatform } from './check-platform.ts'
import { amd64Levels } from './cpu-level.ts'
import { elfFile, needsLoader } from './elf-file.ts'
import { type Handler, parseHandler, recognizes } from './handler.ts'
import { emulators, type PlatformFacts, supportedPlatforms } from './platforms.ts'
import { understandsArgv0 } from './qemu-binary.ts'
import { registrationRule } from './registration.ts'
import { statusJson } from './status.ts'

/** As the kernel prints it. */
const kernelText = (flags: string): string => `enabled
interpreter /usr/bin/qemu-aarch64
flags: ${flags}
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
`

function handler(arch: string, change: Partial<Handler> = {}): Handler {
  const architecture = findArchitecture(arch)
  assert.ok(architecture)
  return {
    name: architecture.binary,
    enabled: true,
    interpreter: `/usr/bin/${architecture.binary}`,
    flags: 'OCF',
    recognition: {
      kind: 'magic',
      offset: 0,
      magic: elfFile(architecture).subarray(0, 20),
      mask: Buffer.from(architecture.mask, 'hex'),
    },
    ...change,
  }
}

function facts(change: Partial<PlatformFacts> = {}): PlatformFacts {
  return {
    native: { os: 'linux', architecture: 'amd64' },
    handlers: [],
    cpuinfo: '',
    probe: () => undefined,
    unusable: ({ flags, name }) => (flags.includes('F') ? undefined : `${name} lacks F`),
    ...change,
  }
}

const names = (platforms: readonly Platform[]): string => platforms.map(formatPlatform).join(' ')

test('a handler is read from the text that the kernel prints', () => {
  const read = parseHandler('qemu-aarch64', kernelText('OCF'))
  assert.deepEqual(read && { ...read, recognition: read.recognition.kind }, {
    name: 'qemu-aarch64',
    enabled: true,
    interpreter: '/usr/bin/qemu-aarch64',
    flags: 'OCF',
    recognition: 'magic',
  })
  assert.ok(read?.recognition.kind === 'magic')
  assert.equal(read.recognition.magic.length, 20)
  assert.equal(parseHandler('x', kernelText(''))?.flags, '')
  assert.equal(parseHandler('x', kernelText('').replace('enabled', 'disabled'))?.enabled, false)
})

test('handlers by extension and files of another kind', () => {
  const java = parseHandler('jar', 'enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n')
  assert.deepEqual(java?.recognition, { kind: 'extension', extension: '.jar' })
  assert.equal(parseHandler('x', 'nonsense'), undefined)
})

test('a magic without a mask has to agree in every bit', () => {
  const read = parseHandler('x', 'enabled\ninterpreter /i\nflags: F\noffset 0\nmagic cafebabe\n')
  assert.ok(read)
  assert.equal(recognizes(read, Buffer.from('cafebabe00', 'hex')), true)
  assert.equal(recognizes(read, Buffer.from('cafebabf00', 'hex')), false)
})

test('a rule typed without escapes is no rule for ELF files', () => {
  // The text of the digits, as the kernel keeps it.
  const digits = Buffer.from('7f454c4601010100000000000000000002002800').toString('hex')
  const read = parseHandler(
    'qemu-arm',
    `enabled\ninterpreter /usr/bin/qemu-arm\nflags: OCF\noffset 0\nmagic ${digits}\n`,
  )
  assert.ok(read)
  assert.deepEqual(emulators('arm', [read]), [])
})

test('every architecture is recognised by its own handler only', () => {
  const all = emulatedArchitectures.map(({ arch }) => handler(arch))
  for (const { arch, binary } of emulatedArchitectures) {
    assert.deepEqual(
      emulators(arch, all).map(h => h.name),
      [binary],
    )
  }
})

test('rules are those of the installer image', () => {
  const rule = (arch: string, preserveArgv0 = false): string => {
    const architecture = findArchitecture(arch)
    assert.ok(architecture)
    const name = architecture.binary
    return registrationRule(architecture, `/usr/bin/${name}`, { name, preserveArgv0 })
  }
  assert.equal(
    rule('arm64'),
    String.raw`:qemu-aarch64:M:0:\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64:CF`,
  )
  assert.equal(
    rule('s390x', true),
    String.raw`:qemu-s390x:M:0:\x7fELF\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x16:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff:/usr/bin/qemu-s390x:CFP`,
  )
  assert.equal(
    rule('loong64'),
    String.raw`:qemu-loongarch64:M:0:\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x02\x01:\xff\xff\xff\xff\xff\xff\xff\xfc\x00\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-loongarch64:CF`,
  )
  assert.equal(
    rule('mips64'),
    String.raw`:qemu-mips64:M:0:\x7fELF\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x08:\xff\xff\xff\xff\xff\xff\xff\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff:/usr/bin/qemu-mips64:CF`,
  )
  assert.equal(
    rule('386'),
    String.raw`:qemu-i386:M:0:\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x03\x00:\xff\xff\xff\xff\xff\xfe\xfe\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-i386:CF`,
  )
})

test('amd64 levels need all features of the levels below', () => {
  const v2 = 'cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3'
  const v3 = `${v2} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave`
  const v4 = 'avx512f avx512bw avx512cd avx512dq avx512vl'
  const info = (flags: string): string => `processor\t: 0\nflags\t\t: fpu ${flags}\nbugs\t\t:\n`
  assert.deepEqual(amd64Levels(info('')), [])
  assert.deepEqual(amd64Levels(info(v2)), ['v2'])
  assert.deepEqual(amd64Levels(info(v3)), ['v2', 'v3'])
  assert.deepEqual(amd64Levels(info(`${v3} ${v4}`)), ['v2', 'v3', 'v4'])
  assert.deepEqual(amd64Levels(info(`${v2} ${v4}`)), ['v2'])
})

test('platforms are listed natively first, then in the order of BuildKit', () => {
  const handlers = ['arm', 's390x', 'arm64', 'riscv64', 'ppc64le', 'mips64le'].map(arch => handler(arch))
  const probe = (arch: string): number | undefined => (arch === '386' ? 0 : undefined)
  const cpuinfo = 'flags : cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3'
  assert.equal(
    names(supportedPlatforms(facts({ handlers, probe, cpuinfo }))),
    'linux/amd64 linux/amd64/v2 linux/arm64 linux/riscv64 linux/ppc64le linux/s390x linux/386 linux/mips64le linux/arm/v7 linux/arm/v6',
  )
})

test('an arm64 machine asks the emulated amd64 for its level, and its kernel for 32-bit arm', () => {
  const native = { os: 'linux', architecture: 'arm64', variant: 'v8' }
  const probe = (arch: string): number | undefined => ({ amd64: 66, arm: 0 })[arch]
  const handlers = [handler('amd64')]
  assert.equal(
    names(supportedPlatforms(facts({ native, handlers, probe }))),
    'linux/arm64 linux/amd64 linux/amd64/v2 linux/arm/v7 linux/arm/v6',
  )
  assert.equal(names(supportedPlatforms(facts({ native }))), 'linux/arm64')
})

test('handlers without flag F do not count', () => {
  const handlers = [handler('arm64', { flags: 'OC' })]
  assert.equal(names(supportedPlatforms(facts({ handlers }))), 'linux/amd64')
})

function refusal(platform: Platform, given: PlatformFacts): { message: string; hint: string | undefined } {
  try {
    checkPlatform(platform, given)
  } catch (error) {
    assert.ok(isSlipwayError(error))
    assert.equal(error.code, 'failed-precondition')
    return { message: error.message, hint: error.hint }
  }
  throw assert.fail(`${formatPlatform(platform)} is supported`)
}

test('a platform without an emulator is refused with the command that registers one', () => {
  const { message, hint } = refusal({ os: 'linux', architecture: 'arm64' }, facts())
  assert.equal(
    message,
    'no support for running processes with linux/arm64 platform, supported: linux/amd64 (no emulator is registered)',
  )
  assert.match(hint ?? '', /`sudo slipway binfmt --install arm64`/)
})

test('a handler that containers cannot use is named, and the command registers it anew', () => {
  const handlers = [handler('arm64', { flags: 'OC', name: 'my-arm' })]
  const { message, hint } = refusal({ os: 'linux', architecture: 'arm64' }, facts({ handlers }))
  assert.match(message, /\(my-arm lacks F\)$/)
  assert.match(hint ?? '', /`sudo slipway binfmt --uninstall my-arm --install arm64`/)
})

test('a variant that the CPU lacks is refused, a lower one is not', () => {
  const { message } = refusal({ os: 'linux', architecture: 'amd64', variant: 'v4' }, facts())
  assert.match(
    message,
    /^no support for running processes with linux\/amd64\/v4 platform, supported: linux\/amd64/,
  )
  const cpuinfo = 'flags : cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3'
  checkPlatform({ os: 'linux', architecture: 'amd64', variant: 'v2' }, facts({ cpuinfo }))
  checkPlatform({ os: 'linux', architecture: 'x86_64' }, facts())
})

test('32-bit programs need a kernel or an emulator for them', () => {
  refusal({ os: 'linux', architecture: '386' }, facts())
  checkPlatform({ os: 'linux', architecture: '386' }, facts({ probe: () => 0 }))
  refusal({ os: 'linux', architecture: 'arm', variant: 'v7' }, facts({ handlers: [handler('arm64')] }))
  for (const variant of ['v5', 'v6', 'v7', 'v8']) {
    checkPlatform({ os: 'linux', architecture: 'arm', variant }, facts({ handlers: [handler('arm')] }))
  }
})

test('other systems and unknown architectures are refused', () => {
  assert.match(refusal({ os: 'windows', architecture: 'amd64' }, facts()).message, /only linux containers/)
  assert.match(refusal({ os: 'linux', architecture: 'foo' }, facts()).message, /no emulator is known/)
})

test('the status is the JSON of the installer image', () => {
  const platforms = supportedPlatforms(facts({ handlers: [handler('arm')] }))
  const handlers = [handler('arm'), handler('arm64', { enabled: false })]
  assert.equal(
    statusJson(platforms, handlers),
    '{\n  "supported": [\n    "linux/amd64",\n    "linux/arm/v7",\n    "linux/arm/v6"\n  ],\n  "emulators": [\n    "qemu-arm"\n  ]\n}',
  )
  assert.match(statusJson(platforms, []), /"emulators": null\n/)
})

test('a program that names a loader is not static', () => {
  const architecture = findArchitecture('amd64')
  assert.ok(architecture)
  const file = elfFile(architecture)
  assert.equal(needsLoader(file), false)
  file.writeUInt32LE(3, 64)
  assert.equal(needsLoader(file), true)
  assert.equal(needsLoader(Buffer.from('#!/bin/sh\n'.padEnd(64))), undefined)
})

test('flag P goes to emulators that understand it', () => {
  assert.equal(understandsArgv0('5.2.0'), false)
  assert.equal(understandsArgv0('7.2.13'), true)
  assert.equal(understandsArgv0('10.0.2'), true)
  assert.equal(understandsArgv0(undefined), true)
})
