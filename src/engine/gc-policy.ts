import {
  type DiskSpace,
  defaultLimits,
  defaultRules,
  percentOf,
  type PruneRule,
} from '../content/prune-rule.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { ramInBytes } from '../gostd/byte-units.ts'
import { parseDuration, toMilliseconds } from '../gostd/duration.ts'
import { listOf, shortText, tableOf } from './config-value.ts'

/**
 * The rules by which a builder keeps its cache small by itself, as `[worker.oci]` of the configuration says: `gc`,
 * `gcpolicy`, or limits for the usual rules. Empty where nothing is to be removed. Throws `invalid-argument` for amounts
 * and times that cannot be read. Source: buildkit v0.32.2 cmd/buildkitd/config/gcpolicy.go
 */
export function gcRules(worker: Readonly<Record<string, unknown>>, disk: DiskSpace): readonly PruneRule[] {
  if (worker['gc'] === false) return []
  const amount = (key: string): number => diskAmount(worker[key], disk)
  const own = listOf(worker['gcpolicy']).map(rule => gcRule(tableOf(rule), disk))
  if (own.length > 0) return own
  const limits = {
    reservedSpace: amount('reservedSpace'),
    maxUsedSpace: amount('maxUsedSpace'),
    minFreeSpace: amount('minFreeSpace'),
  }
  if (Object.values(limits).some(bytes => bytes > 0)) return defaultRules(limits)
  const reservedSpace = amount('gckeepstorage')
  return defaultRules(reservedSpace > 0 ? { ...limits, reservedSpace } : defaultLimits(disk))
}

function gcRule(rule: Readonly<Record<string, unknown>>, disk: DiskSpace): PruneRule {
  return {
    filters: listOf(rule['filters']).map(shortText),
    all: rule['all'] === true,
    keepDurationMs: durationMs(rule['keepDuration']),
    reservedSpace: diskAmount(rule['reservedSpace'] ?? rule['keepBytes'], disk),
    maxUsedSpace: diskAmount(rule['maxUsedSpace'], disk),
    minFreeSpace: diskAmount(rule['minFreeSpace'], disk),
  }
}

/** Bytes of an amount: `"512MB"` (binary units), `"20%"` of the disk, a number of bytes. */
function diskAmount(value: unknown, disk: DiskSpace): number {
  const text = shortText(value)
  if (text === '') return 0
  const percent = /^(\d+)%$/.exec(text)
  if (percent !== null) return percentOf(disk, Number(percent[1]))
  try {
    return ramInBytes(text)
  } catch (e) {
    throw new SlipwayError('invalid-argument', `invalid disk space ${text}`, { cause: e })
  }
}

/** Milliseconds of a duration: `"48h"`, or a number of seconds. */
function durationMs(value: unknown): number {
  const text = shortText(value)
  if (text === '') return 0
  if (/^\d+$/.test(text)) return Number(text) * 1000
  try {
    return toMilliseconds(parseDuration(text))
  } catch (e) {
    throw new SlipwayError('invalid-argument', `invalid duration ${text}`, { cause: e })
  }
}
