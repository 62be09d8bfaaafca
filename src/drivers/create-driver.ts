import { SlipwayError } from '../errors/slipway-error.ts'
import type { Driver } from './driver.ts'
import type { DriverOptions } from './driver-options.ts'

/** Makes the driver of one node; nothing is started or asked. Throws `invalid-argument` for options it does not have. */
export type CreateDriver = (options: DriverOptions) => Driver

interface DriverRow {
  readonly load: () => Promise<CreateDriver>
  /** Builders of this driver may be created. */
  readonly allowsInstances: boolean
}

const drivers: Readonly<Record<string, DriverRow>> = {
  docker: {
    load: async () => (await import('./docker/docker-driver.ts')).createDockerDriver,
    allowsInstances: false,
  },
  'docker-container': {
    load: async () => (await import('./docker-container/container-driver.ts')).createContainerDriver,
    allowsInstances: true,
  },
  kubernetes: {
    load: async () => (await import('./kubernetes/kubernetes-driver.ts')).createKubernetesDriver,
    allowsInstances: true,
  },
  remote: {
    load: async () => (await import('./remote/remote-driver.ts')).createRemoteDriver,
    allowsInstances: true,
  },
}

/** Names of the drivers that builders may be created with, sorted. */
export const instanceDrivers: readonly string[] = Object.keys(drivers)
  .filter(name => drivers[name]?.allowsInstances === true)
  .sort()

/** Why builders of a driver cannot be used, in buildx's words; undefined where they can. */
export function driverError(name: string): SlipwayError | undefined {
  if (!Object.hasOwn(drivers, name))
    return new SlipwayError('not-found', `failed to find driver ${JSON.stringify(name)}`)
  if (drivers[name]?.allowsInstances !== true) {
    return new SlipwayError(
      'invalid-argument',
      `additional instances of driver ${JSON.stringify(name)} cannot be created`,
    )
  }
  return undefined
}

/** Checks that builders of a driver may be created. Throws in buildx's words. */
export function checkInstanceDriver(name: string): void {
  const error = driverError(name)
  if (error !== undefined) throw error
}

/** Makes the driver of a node. Throws `not-found` for a name that is none, and what the driver says of its options. */
export async function createDriver(name: string, options: DriverOptions): Promise<Driver> {
  const row = Object.hasOwn(drivers, name) ? drivers[name] : undefined
  if (row === undefined) throw new SlipwayError('not-found', `failed to find driver ${JSON.stringify(name)}`)
  const create = await row.load()
  return create(options)
}
