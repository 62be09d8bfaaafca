import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Driver } from '../driver.ts'
import type { DriverOptions } from '../driver-options.ts'

/** BuildKit in pods of a Kubernetes cluster. */
export function createKubernetesDriver(_options: DriverOptions): Driver {
  throw new SlipwayError('unimplemented', 'kubernetes driver requires kubernetes API access')
}
