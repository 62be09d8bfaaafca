import type { ExitStatus } from '../executor/executor.ts'
import { isSlipwayError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'

/**
 * What becomes of steps for platforms that this machine does not run. `refuse`: nothing is run at all, the user is told
 * before the first step. `try`: a step is run, as BuildKit does; what it starts may well be a program of this machine (the
 * platform of a step is that of the build, whatever its image has in it).
 */
export type ForeignSteps = 'refuse' | 'try'

/** What runs which platforms. */
export interface PlatformCheck {
  /** Throws where this machine cannot run the platform, saying what to do. */
  readonly checkPlatform: (platform: Platform) => void
  readonly foreignSteps: ForeignSteps
}

/** Throws where a step must not be tried. */
export function checkBefore(platform: Platform, check: PlatformCheck): void {
  if (check.foreignSteps === 'refuse') check.checkPlatform(platform)
}

/**
 * The status of a step that was tried: where the kernel could not run its program (the executor says so in a hint), the hint
 * is what is known of the platform's emulator.
 */
export function explainAfter(status: ExitStatus, platform: Platform, check: PlatformCheck): ExitStatus {
  if (status.hint === undefined || check.foreignSteps === 'refuse') return status
  try {
    check.checkPlatform(platform)
    return status
  } catch (e) {
    if (!isSlipwayError(e)) throw e
    return { ...status, hint: e.hint === undefined ? e.message : `${e.message}: ${e.hint}` }
  }
}
