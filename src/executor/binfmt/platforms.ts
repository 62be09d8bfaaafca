import { readFileSync } from 'node:fs'
import type { Platform } from '../../oci/descriptor.ts'
import { normalizePlatform } from '../../oci/platform.ts'
import { emulatedArchitectures } from './architectures.ts'
import { amd64Levels } from './cpu-level.ts'
import { elfFile } from './elf-file.ts'
import { defaultMount, type Handler, readHandlers, recognizes, unusableInContainers } from './handler.ts'
import { probe } from './probe.ts'

/** What decides which platforms a machine runs. */
export interface PlatformFacts {
  /** The machine's own platform. */
  readonly native: Platform
  readonly handlers: readonly Handler[]
  /** Text of /proc/cpuinfo. */
  readonly cpuinfo: string
  /** Runs a tiny program of an architecture: its exit code, or undefined where it does not run. */
  readonly probe: (arch: string) => number | undefined
  /** Why a handler cannot serve containers; undefined where it can. */
  readonly unusable: (handler: Handler) => string | undefined
}

/** Architectures whose 32-bit programs the kernel may run itself. */
const compatible: Readonly<Record<string, string>> = { amd64: '386', arm64: 'arm' }

/**
 * The platforms that containers can run on this machine, its own first, then those of other architectures that the
 * kernel or an emulator runs, in BuildKit's order. Source: BuildKit v0.32.2 util/archutil/detect.go.
 */
export function supportedPlatforms(facts: PlatformFacts): readonly Platform[] {
  const native = normalizePlatform(facts.native)
  const linux = (architecture: string, variant?: string): Platform =>
    variant === undefined ? { os: 'linux', architecture } : { os: 'linux', architecture, variant }
  const platforms: Platform[] = [native]
  for (const { arch } of emulatedArchitectures) {
    const own = arch === native.architecture
    if (!own && !runs(arch, native, facts)) continue
    if (arch === 'arm') {
      const variants = own ? (native.variant === 'v7' || native.variant === 'v8' ? ['v6'] : []) : ['v7', 'v6']
      platforms.push(...variants.map(variant => linux('arm', variant)))
      continue
    }
    if (!own) platforms.push(linux(arch))
    if (arch === 'amd64') platforms.push(...levelsOf(own, facts).map(level => linux('amd64', level)))
  }
  return platforms
}

function runs(arch: string, native: Platform, facts: PlatformFacts): boolean {
  if (emulators(arch, facts.handlers).some(handler => facts.unusable(handler) === undefined)) return true
  return compatible[native.architecture] === arch && facts.probe(arch) === 0
}

/** An emulated CPU is asked by a program; what it has beyond v2 is slow and not listed. */
function levelsOf(own: boolean, facts: PlatformFacts): readonly string[] {
  if (own) return amd64Levels(facts.cpuinfo)
  return facts.probe('amd64') === 66 ? ['v2'] : []
}

/** Handlers that recognise programs of an architecture, enabled or not. */
export function emulators(arch: string, handlers: readonly Handler[]): readonly Handler[] {
  const architecture = emulatedArchitectures.find(known => known.arch === arch)
  if (architecture === undefined) return []
  const header = elfFile(architecture)
  return handlers.filter(handler => recognizes(handler, header))
}

/** Reads the facts of this machine afresh with each call; probes are run once per architecture and state of handlers. */
export function createFactsReader(native: Platform, mount: string = defaultMount): () => PlatformFacts {
  const probed = new Map<string, number | undefined>()
  return () => {
    const handlers = readHandlers(mount)
    const state = handlers.map(({ name, enabled, flags }) => [name, enabled, flags].join()).join(';')
    return {
      native,
      handlers,
      cpuinfo: readCpuinfo(),
      unusable: unusableInContainers,
      probe: arch => {
        const key = `${arch} ${state}`
        if (!probed.has(key)) probed.set(key, probe(arch))
        return probed.get(key)
      },
    }
  }
}

function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8')
  } catch {
    return ''
  }
}
