import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { formatPlatform, normalizePlatform } from '../../oci/platform.ts'
import { onlyPlatform } from '../../oci/platform-match.ts'
import { findArchitecture } from './architectures.ts'
import { emulators, type PlatformFacts, supportedPlatforms } from './platforms.ts'

/**
 * Throws `failed-precondition` where this machine cannot run programs of a platform, with the state of the handlers and
 * the one command that helps. To be called before a step starts, so that it does not end in `exec format error`.
 */
export function checkPlatform(wanted: Platform, facts: PlatformFacts): void {
  const platform = normalizePlatform(wanted)
  const supported = supportedPlatforms(facts)
  if (supported.some(candidate => covers(candidate, platform, facts))) return
  const names = supported.map(formatPlatform).join(', ')
  const { reason, hint } = explain(platform, facts)
  const message = `no support for running processes with ${formatPlatform(platform)} platform, supported: ${names}`
  throw new SlipwayError('failed-precondition', reason === '' ? message : `${message} (${reason})`, {
    ...(hint === '' ? {} : { hint }),
    details: [{ type: 'slipway.UnsupportedPlatform', platform: formatPlatform(platform) }],
  })
}

/**
 * Compatibility within an architecture only: that 386 programs run on amd64, or 32-bit arm ones on arm64, depends on the
 * kernel, the CPU and the emulator; where they do, these platforms are listed. What runs arm at all on a machine that is
 * none runs all its variants.
 */
function covers(candidate: Platform, wanted: Platform, facts: PlatformFacts): boolean {
  if (candidate.os !== wanted.os || candidate.architecture !== wanted.architecture) return false
  if (wanted.architecture === 'arm' && facts.native.architecture !== 'arm') return true
  return onlyPlatform(candidate).match(wanted)
}

function explain(platform: Platform, facts: PlatformFacts): { reason: string; hint: string } {
  const architecture = findArchitecture(platform.architecture)
  if (platform.os !== 'linux') return { reason: 'only linux containers run here', hint: '' }
  if (platform.architecture === normalizePlatform(facts.native).architecture) {
    return {
      reason: 'the CPU lacks features of this variant',
      hint: 'build for a lower variant, or add a node',
    }
  }
  const node = 'or add a node of that architecture to the builder'
  if (architecture === undefined)
    return { reason: 'no emulator is known', hint: 'add a node of that architecture to the builder' }
  const install = `slipway binfmt --install ${architecture.arch}`
  const handlers = emulators(architecture.arch, facts.handlers)
  const problems = handlers.flatMap(handler => facts.unusable(handler) ?? [])
  if (handlers.length === 0) {
    return { reason: 'no emulator is registered', hint: `register one with \`sudo ${install}\`, ${node}` }
  }
  if (problems.length === 0)
    return { reason: 'the emulator lacks features of this variant', hint: node.slice(3) }
  const remove = `slipway binfmt --uninstall ${handlers.map(({ name }) => name).join(',')}`
  const again = `${remove} --install ${architecture.arch}`
  return { reason: problems.join('; '), hint: `register it anew with \`sudo ${again}\`, ${node}` }
}
