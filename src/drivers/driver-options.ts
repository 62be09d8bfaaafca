import type { Platform } from '../oci/descriptor.ts'
import type { DockerApi } from './docker/docker-api.ts'
import type { DockerContexts } from './docker/docker-contexts.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { parseBool, parseInteger } from '../gostd/parse-number.ts'

/** What a driver is made of: what the instance file says of the node, and the surroundings. */
export interface DriverOptions {
  /** Name of the node. */
  readonly nodeName: string
  readonly endpoint: string
  readonly driverOpts: Readonly<Record<string, string>>
  readonly flags: readonly string[]
  readonly files: Readonly<Record<string, Uint8Array>>
  /** Platforms that the user fixed. */
  readonly platforms: readonly Platform[]
  /** Equal for builds of one project: picks one of several daemons. */
  readonly contextKey: string
  readonly contexts: DockerContexts
  /** The docker daemon of the endpoint. Throws where the endpoint names none. */
  readonly docker: () => DockerApi
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

/** The error for an option that a driver does not have. */
export function unknownOption(name: string, driver: string): SlipwayError {
  return new SlipwayError('invalid-argument', `invalid driver option ${name} for ${driver} driver`)
}

/** A yes-or-no option. Throws `invalid-argument` in Go's words. */
export function flagOption(value: string): boolean {
  return parseBool(value)
}

/** A whole number. Throws `invalid-argument` in Go's words. */
export function integerOption(value: string): number {
  return parseInteger(value, { base: 10 })
}
