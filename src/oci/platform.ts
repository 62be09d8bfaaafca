import { posix } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { quote } from '../gostd/quote.ts'
import { unescapeUrl } from '../gostd/url.ts'
import type { Platform } from './descriptor.ts'

export type { Platform } from './descriptor.ts'

const knownOs = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos'.split(
    ' ',
  ),
)
const knownArchitectures = new Set(
  (
    '386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 ' +
    'mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm'
  ).split(' '),
)

const component = /^[A-Za-z0-9_.-]+$/
const osComponent = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/

/**
 * Reads `os`, `arch`, `os/arch` or `os/arch/variant`, where `os` may be followed by a version and features in
 * parentheses. What the text leaves open comes from `defaultPlatform` (that of the machine). The result is not fully
 * normalised: `linux/arm` has no variant yet. Throws `invalid-argument` in the words of containerd.
 * Source: github.com/containerd/platforms platforms.go at v1.0.0-rc.4, `Parse`.
 */
export function parsePlatform(text: string, defaultPlatform: Platform): Platform {
  if (text.includes('*')) throw invalid(`${quote(text)}: wildcards not yet supported`)
  const parts = splitFour(text)
  const [first = '', second, third] = parts
  const os = parseOs(first, text)
  for (const part of parts.slice(1)) {
    if (!component.test(part)) {
      throw invalid(
        `${quote(part)} is an invalid component of ${quote(text)}: platform specifier component must match ${quote(component.source)}`,
      )
    }
  }
  if (parts.length > 3) throw invalid(`${quote(text)}: cannot parse platform specifier`)
  if (second === undefined) return parseSingle(first, os, text, defaultPlatform)
  const [architecture, variant] = normalizeArchitecture(second, third ?? '')
  if (third === undefined) return build(os, architecture, withoutArmDefault(architecture, variant))
  return build(os, architecture, architecture === 'arm64' && variant === '' ? 'v8' : variant)
}

/** What the first component says. */
interface Os {
  readonly name: string
  readonly version: string
  readonly features: readonly string[]
}

function splitFour(text: string): string[] {
  const parts = text.split('/')
  return parts.length <= 4 ? parts : [...parts.slice(0, 3), parts.slice(3).join('/')]
}

function parseOs(part: string, text: string): Os {
  const found = osComponent.exec(part)
  if (found === null) {
    throw invalid(
      `${quote(part)} is an invalid OS component of ${quote(text)}: OSAndVersion specifier component must match ${quote(osComponent.source)}`,
    )
  }
  const [, name = '', version = '', features = ''] = found
  return {
    name: normalizeOs(name),
    version: decodeOsOption(version, `${quote(text)} has an invalid OS version ${quote(version)}`),
    features: features
      .split('+')
      .slice(1)
      .map(f => decodeOsOption(f, `${quote(text)} has invalid OS features: invalid os feature ${quote(f)}`))
      .filter(f => f !== ''),
  }
}

function parseSingle(word: string, os: Os, text: string, fallback: Platform): Platform {
  if (knownOs.has(os.name)) {
    const variant = fallback.architecture === 'arm' && fallback.variant !== 'v7' ? fallback.variant : ''
    return build(os, fallback.architecture, variant ?? '')
  }
  const [architecture, variant] = normalizeArchitecture(word, '')
  if (knownArchitectures.has(architecture)) {
    return build({ ...os, name: fallback.os }, architecture, withoutArmDefault(architecture, variant))
  }
  throw invalid(`${quote(text)}: unknown operating system or architecture`)
}

function withoutArmDefault(architecture: string, variant: string): string {
  return architecture === 'arm' && variant === 'v7' ? '' : variant
}

function build(os: Os, architecture: string, variant: string): Platform {
  return {
    architecture,
    os: os.name,
    ...(os.version === '' ? {} : { 'os.version': os.version }),
    ...(os.features.length === 0 ? {} : { 'os.features': os.features }),
    ...(variant === '' ? {} : { variant }),
  }
}

function decodeOsOption(value: string, what: string): string {
  return unescapeUrl(value, why => {
    throw new SlipwayError('invalid-argument', `${what}: ${why}`)
  })
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', `${message}: invalid argument`, {
    hint: 'a platform reads os/architecture or os/architecture/variant, for example linux/arm64 or linux/arm/v7',
  })
}

/**
 * The canonical form: lower case, aliases resolved (x86_64, aarch64, armhf, macos…), default variants dropped, except
 * that 32-bit arm always has one (`v7`). Features are sorted and unique. An empty OS is linux.
 * Source: github.com/containerd/platforms database.go at v1.0.0-rc.4.
 */
export function normalizePlatform(platform: Platform): Platform {
  const [architecture, variant] = normalizeArchitecture(platform.architecture, platform.variant ?? '')
  const features = [...new Set(platform['os.features'] ?? [])].sort()
  return build(
    { name: normalizeOs(platform.os), version: platform['os.version'] ?? '', features },
    architecture,
    variant,
  )
}

function normalizeOs(os: string): string {
  const lower = os.toLowerCase()
  return lower === '' ? 'linux' : lower === 'macos' ? 'darwin' : lower
}

function normalizeArchitecture(
  architecture: string,
  variant: string,
): [architecture: string, variant: string] {
  const arch = architecture.toLowerCase()
  const level = variant.toLowerCase()
  switch (arch) {
    case 'i386':
      return ['386', '']
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return ['amd64', level === 'v1' ? '' : level]
    case 'aarch64':
    case 'arm64':
      return ['arm64', arm64Variants[level] ?? level]
    case 'armhf':
      return ['arm', 'v7']
    case 'armel':
      return ['arm', 'v6']
    case 'arm':
      return ['arm', armVariants[level] ?? level]
    default:
      return [arch, level]
  }
}

const arm64Variants: Readonly<Record<string, string>> = {
  '8': '',
  v8: '',
  'v8.0': '',
  '9': 'v9',
  '9.0': 'v9',
  'v9.0': 'v9',
}
const armVariants: Readonly<Record<string, string>> = { '': 'v7', '7': 'v7', '5': 'v5', '6': 'v6', '8': 'v8' }

/** `os/architecture[/variant]`, or `unknown` without an OS. */
export function formatPlatform(platform: Platform): string {
  if (platform.os === '') return 'unknown'
  return posix.join(platform.os, platform.architecture, platform.variant ?? '')
}

/** As `formatPlatform`, with OS version and features: `windows(10.0.17763+win32k)/amd64`. */
export function formatPlatformAll(platform: Platform): string {
  if (platform.os === '') return 'unknown'
  const version = encodeOsOption(platform['os.version'] ?? '')
  const features = [...new Set(platform['os.features'] ?? [])].filter(f => f !== '').sort()
  const options = version + features.map(f => `+${encodeOsOption(f)}`).join('')
  const os = options === '' ? platform.os : `${platform.os}(${options})`
  return posix.join(os, platform.architecture, platform.variant ?? '')
}

function encodeOsOption(value: string): string {
  return value.replace(/[%+()/]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
