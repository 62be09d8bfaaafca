import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { commandHint } from './command-duplex.ts'

const kept: readonly string[] = [
  'unavailable',
  'canceled',
  'deadline-exceeded',
  'unauthenticated',
  'permission-denied',
]

/**
 * The error for what accepts connections at an address but does not answer as a daemon does, or has just gone: what it
 * breaks is no matter of ours, so that codes of protocols become `failed-precondition`. With `unavailable` it may yet come
 * up.
 */
export function notBuildkit(endpoint: string, cause: unknown): SlipwayError {
  const { code, message } = asSlipwayError(cause)
  return new SlipwayError(
    kept.includes(code) ? code : 'failed-precondition',
    `failed to connect to ${endpoint}: ${message}`,
    {
      cause,
      hint:
        commandHint(message) ??
        "what answers there does not speak BuildKit's API, or has just gone: check the address, and whether it wants TLS",
    },
  )
}
